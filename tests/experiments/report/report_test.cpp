// What the report makes of results: words, figures and a page that nothing in the results can break.
#include <algorithm>
#include <filesystem>
#include <limits>
#include <string>
#include <vector>

#include "experiments/report/draw.h"
#include "experiments/report/figure.h"
#include "experiments/report/gnuplot.h"
#include "experiments/report/html.h"
#include "experiments/report/page.h"
#include "experiments/report/panels.h"
#include "experiments/report/report_data.h"
#include "experiments/report/verdict.h"
#include "experiments/system/files.h"
#include "tests/catch.h"
#include "tests/experiments/report/report_records.h"
#include "tests/results/temp_folder.h"

namespace {

using heed::ComparedRow;
using heed::Comparison;
using heed::report::Figure;
using heed::report::ReportData;
using heed::results::Record;
using heed::test::named;
using heed::test::report_data_of;
using heed::test::TempFolder;
using heed::test::trial;
using Texts = std::vector<std::string>;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

Record failed(Record r, const std::string& reason) {
  r.status = heed::results::Status::failed;
  r.reason = reason;
  r.last_step = 17;
  r.metrics.clear(), r.curves.clear(), r.axes.clear();
  return r;
}

std::vector<Record> three_lengths(const std::string& a = "softmax", const std::string& b = "linear") {
  std::vector<Record> out;
  for (const std::int64_t length : {16, 32, 64})
    for (const std::int64_t seed : {0, 1, 2}) {
      out.push_back(trial(a, seed, length, 0.9 + 0.01 * static_cast<double>(seed), 2000));
      out.push_back(trial(b, seed, length, 0.4 + 0.01 * static_cast<double>(seed), 1000));
    }
  return out;
}

std::string page_of(const ReportData& e) {
  const auto figures = heed::report::figures(e);
  const auto gnuplot = heed::find_program("gnuplot");
  heed::report::Drawing drawing;
  if (!gnuplot.empty()) drawing = heed::report::draw(figures, gnuplot);
  CHECK(drawing.complaint.empty());
  return heed::report::report_page(e, figures, drawing, "");
}

// A comparison with one compared row: x against the reference r.
Comparison compared(const std::string& verdict, double difference, std::size_t pairs) {
  ComparedRow reference, row;
  reference.variant = "r", reference.center = 0.9, reference.values = std::vector<double>(pairs, 0.9);
  row.variant = "x", row.center = 0.9 + difference;
  row.against.verdict = verdict;
  row.against.test.pairs = pairs;
  row.against.test.difference = difference;
  row.against.test.interval = {difference - 0.1, difference + 0.1};
  row.against.adjusted_p = 0.03;
  Comparison c;
  c.metric = "test_accuracy", c.reference = "r";
  c.rows = {reference, row};
  return c;
}

}  // namespace

TEST_CASE("report: strings of results are escaped in a page") {
  CHECK(heed::report::escaped("a_b<c> & \"d\" 'e'") == "a_b&lt;c&gt; &amp; &quot;d&quot; &#39;e&#39;");
  CHECK(heed::report::escaped(std::string("a\x01z")) == "a\xEF\xBF\xBDz");
  CHECK(heed::report::escaped("0 → 1 💥") == "0 → 1 💥");
}

TEST_CASE(
    "report: a column of a page's table is to the right where it is numbers, and left out where it is "
    "empty") {
  const std::string html = heed::report::table({{"a", "b", "c"}, {"x", "1.5", ""}, {"y", "-", ""}});
  CHECK_THAT(html, ContainsSubstring("<th class=\"number\">b</th>") && ContainsSubstring("<th>a</th>"));
  CHECK(html.find(">c<") == std::string::npos);
}

TEST_CASE("report: the verdict in words agrees with the table") {
  const auto sentence = [](const Comparison& c) { return heed::report::verdicts(c, "1").at(0).sentence; };
  CHECK(sentence(compared("worse", -0.3, 8)) ==
        "is worse than r by 0.3000 in test accuracy (95 % interval 0.2000 to 0.4000; p = 0.0300 after Holm's "
        "adjustment; 8 pairs of seeds).");
  CHECK(
      sentence(compared("better", 0.3, 8)) ==
      "is better than r by 0.3000 in test accuracy (95 % interval 0.2000 to 0.4000; p = 0.0300 after Holm's "
      "adjustment; 8 pairs of seeds).");
  CHECK(
      sentence(compared("no difference shown", -0.02, 8)) ==
      "against r: -0.0200 in test accuracy, no difference shown (95 % interval -0.1200 to 0.0800; p = 0.0300 "
      "after Holm's adjustment; 8 pairs of seeds).");
}

TEST_CASE("report: the verdicts of several settings are counted, with their differences") {
  Comparison c = compared("better", 0.3, 8);
  for (const double d : {0.1, -0.02}) {
    c.rows.push_back(c.rows.back());
    c.rows.back().against.test.difference = d;
  }
  c.rows.back().against.verdict = "no difference shown";
  CHECK_THAT(heed::report::verdicts(c, "1").at(0).sentence,
             ContainsSubstring("better at 2 (differences from 0.1000 to 0.3000)") &&
                 ContainsSubstring("no difference is shown at 1 (difference -0.0200)"));
}

TEST_CASE("report: the headline distinguishes no difference shown from too few seeds") {
  const auto head = [](const Comparison& c) {
    return heed::report::headline(c, heed::report::verdicts(c, "1"));
  };
  CHECK(head(compared("worse", -0.3, 8)) == "Worse than r: x.");
  CHECK(head(compared("no difference shown", -0.02, 8)) == "No difference from r shown: x.");
  CHECK(head(compared("no difference shown", -0.02, 3)) == "Too few seeds to show a difference from r: x.");
}

TEST_CASE("report: panels are distinguished by what varies, not by what follows from it") {
  Comparison c;
  c.varied = {"length", "pairs", "lr"}, c.paths = {"task.length", "task.pairs", "train.lr"};
  for (const char* variant : {"a", "b"})
    for (const auto& [length, pairs] : {std::pair("64", "8"), std::pair("128", "16")})
      for (const char* lr : {"0.1", "0.2"}) {
        c.rows.emplace_back();
        c.rows.back().variant = variant;
        c.rows.back().setting = {length, pairs, lr};
      }
  const auto titles = [&](std::optional<std::size_t> along) {
    Texts out;
    for (const auto& panel : heed::report::split_into_panels(c, along)) out.push_back(panel.title);
    return out;
  };
  CHECK(titles({}) == Texts{"length = 64, lr = 0.1", "length = 64, lr = 0.2", "length = 128, lr = 0.1",
                            "length = 128, lr = 0.2"});
  CHECK(titles(0) == Texts{"lr = 0.1", "lr = 0.2"});
  CHECK(titles(2) == Texts{"length = 64", "length = 128"});
  c.selected = "lr", c.chosen = {false, false, true};
  CHECK(titles({}) == Texts{"length = 64", "length = 128"});
}

TEST_CASE("report: of many panels nine are shown, the first and the last among them") {
  std::vector<heed::report::Panel> many(50);
  for (std::size_t i = 0; i < many.size(); ++i) many[i].title = std::to_string(i);
  const auto some = heed::report::some_of(many);
  REQUIRE(some.size() == 9);
  CHECK(some.front().title == "0");
  CHECK(some.back().title == "49");
}

TEST_CASE("report: learning curves are means of the trials that are done") {
  const TempFolder folder;
  auto records = three_lengths();
  records.push_back(failed(trial("linear", 3, 16, 0, 0), "out of memory"));
  const auto figures = heed::report::figures(report_data_of(folder, records));
  const Figure& f = named(figures, "learning_curves");
  CHECK(f.panels.size() == 3);
  CHECK(f.legend.size() == 2);
  CHECK_THAT(f.data,
             ContainsSubstring("# softmax at length = 16\n# step\tmean\tlow\thigh\ttrials\n0\t0.1\t") &&
                 ContainsSubstring("\n100\t0.91\t0.9\t0.92\t3\n"));
  CHECK(f.panels[0].x_label == "optimizer steps");
  CHECK(f.panels[0].y_label == "validation accuracy");
  CHECK(f.panels[0].title == "length = 16");
}

TEST_CASE("report: the Pareto front has what nothing else beats") {
  const TempFolder folder;
  std::vector<Record> records;
  const auto add = [&](const char* variant, double accuracy, double parameters) {
    records.push_back(trial(variant, 0, 16, accuracy, parameters));
  };
  add("good", 0.9, 2000), add("cheap", 0.5, 1000), add("beaten", 0.4, 1500), add("expensive", 0.9, 3000);
  const auto figures = heed::report::figures(report_data_of(folder, records));
  const Figure& f = named(figures, "cost");
  CHECK_THAT(
      f.data,
      ContainsSubstring("# parameters, good\n# cost\tmean\tlow\thigh\tfront\n2000\t0.9\tNaN\tNaN\t1\n") &&
          ContainsSubstring("\n1000\t0.5\tNaN\tNaN\t1\n") &&
          ContainsSubstring("\n1500\t0.4\tNaN\tNaN\t0\n") && ContainsSubstring("\n3000\t0.9\tNaN\tNaN\t0\n"));
  CHECK_THAT(f.caption,
             ContainsSubstring("by parameters good, cheap") && ContainsSubstring("Equal for all: "));
}

TEST_CASE("report: each task has its own Pareto front") {
  const TempFolder folder;
  auto records = three_lengths();
  for (Record& r : records)  // at the longest both are as good
    if (std::get<std::int64_t>(r.parameters[2].value) == 64) r.metrics[0].value = 0.5;
  const auto figures = heed::report::figures(report_data_of(folder, records));
  const Figure& f = named(figures, "cost_1");
  CHECK(f.title == "Cost: parameters");
  REQUIRE(f.panels.size() == 3);
  CHECK(f.panels[2].title == "length = 64");
  CHECK_THAT(f.caption,
             ContainsSubstring("at length = 16 softmax, linear; at length = 32 softmax, linear; at length "
                               "= 64 linear."));
}

TEST_CASE("report: results of one seed have points, which have no bars") {
  const TempFolder folder;
  std::vector<Record> records;
  for (const std::int64_t length : {16, 32, 64})
    for (const char* variant : {"softmax", "linear"}) {
      records.push_back(trial(variant, 0, length, 0.5, variant[0] == 's' ? 2000 : 1000));
      records.back().metrics.push_back({"attention_on_answer", 0.5, "1", "", false});
    }
  const auto figures = heed::report::figures(report_data_of(folder, records));
  for (const char* name : {"swept_1", "cost_1", "attention_noise"}) {
    CAPTURE(name);
    const std::string& commands = named(figures, name).panels.at(0).commands;
    CHECK_THAT(commands, ContainsSubstring("with points"));
    CHECK(commands.find("errorbars") == std::string::npos);
  }
  if (const auto gnuplot = heed::find_program("gnuplot"); !gnuplot.empty())
    CHECK(heed::report::draw(figures, gnuplot).complaint.empty());
}

TEST_CASE("report: every axis has a name") {
  const TempFolder folder;
  auto records = three_lengths();
  for (std::size_t i = 0; i < records.size(); ++i) {
    records[i].parameters[3].value = i / 2 % 2 == 0 ? 0.001 : 0.002;
    records[i].metrics.push_back({"attention_on_answer", 0.5, "1", "", false});
  }
  const auto figures = heed::report::figures(report_data_of(folder, records));
  Texts names;
  for (const Figure& f : figures) {
    names.push_back(f.name);
    for (const auto& panel : f.panels) {
      CAPTURE(f.name, panel.title);
      CHECK(!panel.x_label.empty());
      CHECK(!panel.y_label.empty());
    }
  }
  CHECK(names ==
        Texts{"learning_curves", "cost_1", "swept_1", "learning_rate", "scaling", "attention_noise"});
}

TEST_CASE("report: time against length has the exponent of its law") {
  const TempFolder folder;
  const auto figures = heed::report::figures(report_data_of(folder, three_lengths()));
  const Figure& f = named(figures, "scaling");
  CHECK_THAT(f.data, ContainsSubstring("# step_milliseconds, softmax: exponent 2.000\n") &&
                         ContainsSubstring("# state_bytes, linear: exponent 0.000\n"));
  CHECK_THAT(f.caption, ContainsSubstring("time: softmax 2.00, linear 2.00"));
}

TEST_CASE("report: a swept number is an axis, its values are tics") {
  const TempFolder folder;
  const auto figures = heed::report::figures(report_data_of(folder, three_lengths()));
  const Figure& f = named(figures, "swept_1");
  REQUIRE(f.panels.size() == 1);
  CHECK_THAT(f.panels[0].commands,
             ContainsSubstring("set logscale x") && ContainsSubstring("set xtics (64, 32, 16)"));
  CHECK(f.panels[0].x_label == "task.length");
}

TEST_CASE("report: points of a random sweep are not joined") {
  const TempFolder folder;
  std::vector<Record> records;
  std::int64_t length = 0;
  for (const double lr : {0.001, 0.004, 0.002, 0.003}) {
    length += 16;
    for (const char* variant : {"softmax", "linear"}) {
      records.push_back(trial(variant, 0, length, 0.5, 1000));
      records.back().parameters.back().value = lr;
    }
  }
  const auto figures = heed::report::figures(report_data_of(folder, records));
  CHECK(named(figures, "swept_1").panels[0].commands.find("with lines") == std::string::npos);
  CHECK_THAT(named(figures, "swept_1").caption, ContainsSubstring("Other parameters vary too"));
}

TEST_CASE("report: attention maps are those of one trial of each variant, without padding") {
  const TempFolder folder;
  std::vector<Record> records = {trial("softmax", 0, 3, 0.9, 10), trial("differential", 0, 2, 0.9, 10)};
  const auto add = [](Record& r, std::size_t time, std::vector<float> weights) {
    r.arrays.push_back({"attention",
                        "weights",
                        {1, 1, 1, time, time},
                        {"sequence", "layer", "head", "query", "key"},
                        std::move(weights),
                        "1",
                        "weights"});
  };
  add(records[0], 3, {1, 0, 0, 0.5, 0.5, 0, 0, 0.25, 0.75});
  add(records[1], 2, {1, 0, -0.5, 1.5});
  const auto figures = heed::report::figures(report_data_of(folder, records));
  const Figure &positive = named(figures, "attention_1"), &negative = named(figures, "attention_2");
  CHECK_THAT(positive.data, ContainsSubstring("# layer 1, head 1\n1\t0\t0\n0.5\t0.5\t0\n0\t0.25\t0.75\n"));
  CHECK_THAT(positive.panels[0].commands, ContainsSubstring("set cbrange [0:1]"));
  CHECK_THAT(positive.caption, ContainsSubstring("from 0.0000 to 1.0000"));
  CHECK_THAT(negative.data, ContainsSubstring("\n1\t0\n-0.5\t1.5\n"));
  CHECK_THAT(negative.panels[0].commands, ContainsSubstring("set cbrange [-1.5:1.5]"));  // white is zero
}

TEST_CASE("report: attention is drawn for the measures that the results have") {
  const TempFolder folder;
  std::vector<Record> records;
  for (const std::int64_t seed : {0, 1}) {
    records.push_back(trial("softmax", seed, 16, 0.9, 10));
    records.back().metrics.push_back(
        {"attention_on_answer", 0.5 + 0.1 * static_cast<double>(seed), "1", "", false});
    records.push_back(trial("linear", seed, 16, 0.9, 10));
    records.back().metrics.push_back({"attention_on_answer", kNaN, "1", "", false});
  }
  const auto figures = heed::report::figures(report_data_of(folder, records));
  const Figure& f = named(figures, "attention_noise");
  CHECK_THAT(f.panels[0].commands, ContainsSubstring("set xtics ('answer' 0)"));
  CHECK_THAT(f.data, ContainsSubstring("# softmax\n") && ContainsSubstring("\n-0.075\t0.55\t0.5\t0.6\t2\n"));
  CHECK_THAT(f.caption, ContainsSubstring("Answer: softmax 0.5500."));
}

TEST_CASE("report: names that look like markup, options or gnuplot come out as they are") {
  const TempFolder folder;
  const std::string odd = "a_b<c>'\"&`x`{/Bold y}^2";
  auto records = three_lengths(odd, "</svg><script>alert(1)</script>");
  records.push_back(failed(trial(odd, 3, 16, 0, 0), "it said </pre> & \x02 left"));
  const std::string page = page_of(report_data_of(folder, records));
  CHECK_THAT(page, ContainsSubstring("a_b&lt;c&gt;&#39;&quot;&amp;`x`{/Bold y}^2") &&
                       ContainsSubstring("it said &lt;/pre&gt; &amp; \xEF\xBF\xBD left"));
  CHECK(page.find("<script") == std::string::npos);
  // gnuplot escapes by itself: the name is in the legend.
  if (!heed::find_program("gnuplot").empty())
    CHECK_THAT(page, ContainsSubstring("<text>a_b&lt;c>'\"&amp;`x`{/Bold y}^2</text>"));
}

TEST_CASE("report: results without a single trial that is done make a page") {
  const TempFolder folder;
  const std::string page =
      page_of(report_data_of(folder, {failed(trial("softmax", 0, 16, 0, 0), "no memory")}));
  CHECK_THAT(page, ContainsSubstring("1 of 1 trial") && ContainsSubstring("no memory") &&
                       ContainsSubstring("<td class=\"number\">17</td>"));
}
