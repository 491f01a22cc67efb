// Generated images and texts in the report.
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "experiments/report/figure.h"
#include "experiments/report/page.h"
#include "tests/catch.h"
#include "tests/experiments/report/report_records.h"
#include "tests/results/temp_folder.h"

namespace {

using heed::report::Figure;
using heed::report::ReportData;
using heed::results::Record;
using heed::test::named;
using heed::test::report_data_of;
using heed::test::TempFolder;
using heed::test::trial;

}  // namespace

TEST_CASE("report: images and texts are those of the first trial of each row, without padding") {
  const TempFolder folder;
  std::vector<Record> records = {trial("softmax", 0, 16, 0.9, 10), trial("linear", 0, 16, 0.9, 10),
                                 trial("linear", 1, 16, 0.9, 10), trial("softmax", 1, 16, 0.9, 10),
                                 trial("linear", 2, 16, 0.9, 10)};
  const auto add_images = [](Record& r, std::size_t rows, std::vector<std::int64_t> grays) {
    r.arrays.push_back({"samples",
                        "images",
                        {2, 1, rows, 2},
                        {"image_class", "sample", "row", "column"},
                        std::move(grays),
                        "1",
                        "grays"});
  };
  const auto add_texts = [](Record& r, std::size_t longest, std::vector<std::int64_t> bytes) {
    r.arrays.push_back({"samples", "text", {2, longest}, {"sample", "byte"}, std::move(bytes), "1", "bytes"});
  };
  add_images(records[0], 1, {0, 17, 34, 255});
  add_images(records[1], 1, {1, 2, 3, 4});
  add_images(records[2], 1, {9, 9, 9, 9});  // not of the first trial of its row
  add_texts(records[3], 3, {'a', '<', 'b', 0xFF, -1, -1});
  add_texts(records[4], 4, {'o', 'n', 'e', '.', 't', 'w', 'o', -1});
  const ReportData data = report_data_of(folder, records);
  const std::vector<Figure> figures = heed::report::figures(data);
  const Figure& figure = named(figures, "generated_images");
  CHECK_THAT(figure.data, ContainsSubstring("# softmax\n0\t17\tNaN\t34\t255\n") &&
                              ContainsSubstring("# linear\n1\t2\tNaN\t3\t4\n"));
  CHECK(figure.panels.size() == 2);
  CHECK(figure.pictures);
  CHECK_THAT(figure.panels[0].commands, ContainsSubstring("set xtics ('0' 0.5, '1' 3.5)"));
  CHECK_THAT(figure.caption, ContainsSubstring("1 images of each class"));

  const std::string page = heed::report::report_page(data, {}, {}, "");
  CHECK_THAT(page, ContainsSubstring("<h2>Generated text</h2>") &&
                       ContainsSubstring("<h3>softmax</h3>\n<pre class=\"text\">a&lt;b</pre>\n<pre "
                                         "class=\"text\">\xEF\xBF\xBD</pre>") &&
                       ContainsSubstring("<h3>linear</h3>\n<pre class=\"text\">one.</pre>\n<pre "
                                         "class=\"text\">two</pre>"));
}

TEST_CASE("report: images of another size than the first ones are left out, many classes are cut") {
  const TempFolder folder;
  std::vector<Record> records = {trial("softmax", 0, 16, 0.9, 10), trial("linear", 0, 16, 0.9, 10)};
  const auto add = [](Record& r, std::size_t side) {
    r.arrays.push_back({"samples",
                        "images",
                        {30, 1, side, side},
                        {"image_class", "sample", "row", "column"},
                        std::vector<std::int64_t>(30 * side * side, 100),
                        "1",
                        "grays"});
  };
  add(records[0], 1);
  add(records[1], 2);
  const std::vector<Figure> figures = heed::report::figures(report_data_of(folder, records));
  const Figure& figure = named(figures, "generated_images");
  CHECK(figure.panels.size() == 1);
  CHECK_THAT(figure.caption, ContainsSubstring("20 of 30 classes are shown."));
  CHECK_THAT(figure.panels[0].commands, ContainsSubstring("'19' 38)"));
}

TEST_CASE("report: nothing is said of samples that the results do not have") {
  const TempFolder folder;
  const ReportData data = report_data_of(folder, {trial("softmax", 0, 16, 0.9, 10)});
  for (const Figure& f : heed::report::figures(data)) CHECK(f.name != "generated_images");
  CHECK_THAT(heed::report::report_page(data, {}, {}, ""), !ContainsSubstring("Generated"));
}

TEST_CASE("report: learning curves show the loss if bits are compared") {
  const TempFolder folder;
  std::vector<Record> records = {trial("softmax", 0, 16, 0.9, 10)};
  records[0].curves.push_back({"validation_loss", "eval", {2.5, 2, 1.5}, "nat", "on validation", false});
  ReportData data = report_data_of(folder, records);
  const auto label = [&](const std::string& metric) {
    data.options.metric = metric;
    return heed::report::learning_curves(data).at(0).panels.at(0).y_label;
  };
  CHECK(label("test_accuracy") == "validation accuracy");
  CHECK(label("test_loss") == "validation loss (nat)");
  CHECK(label("test_bits_per_pixel") == "validation loss (nat)");
}

TEST_CASE("report: attention is drawn on what the task has") {
  const TempFolder folder;
  std::vector<Record> records = {trial("softmax", 0, 16, 0.9, 10)};
  records[0].metrics.push_back(
      {"attention_on_answer", std::numeric_limits<double>::quiet_NaN(), "1", "", false});
  records[0].metrics.push_back({"attention_on_first", 0.25, "1", "", false});
  const std::vector<Figure> figures = heed::report::figures(report_data_of(folder, records));
  const Figure& figure = named(figures, "attention_noise");
  CHECK_THAT(figure.panels[0].commands, ContainsSubstring("set xtics ('first position' 0)"));
  CHECK_THAT(figure.caption, ContainsSubstring("attention weight on the first position: mean"));
}
