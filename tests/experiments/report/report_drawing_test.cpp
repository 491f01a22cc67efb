// How the report's figures are drawn. However many and long the names are, none covers another one or leaves
// the page; tests/python/report_test.py looks at what gnuplot makes of them.
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string>
#include <vector>

#include "experiments/report/axis.h"
#include "experiments/report/draw.h"
#include "experiments/report/gnuplot.h"
#include "experiments/report/html.h"
#include "experiments/report/layout.h"
#include "experiments/report/style.h"
#include "experiments/report/text_width.h"
#include "experiments/system/files.h"
#include "tests/catch.h"
#include "tests/results/temp_folder.h"

namespace {

namespace fs = std::filesystem;
using heed::report::Figure;
using heed::report::kLineHeight;
using heed::report::Layout;
using heed::test::TempFolder;
using Texts = std::vector<std::string>;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

struct Box {
  double left, right, above, below;
};

bool overlap(const Box& a, const Box& b) {
  return a.left < b.right && b.left < a.right && a.above < b.below && b.above < a.below;
}

// A key's mark and text.
Box box_of(const Layout::Key& key) {
  double widest = 0;
  for (const std::string& line : key.lines) widest = std::max(widest, heed::report::text_width(line));
  const double above = key.y - kLineHeight / 2.;
  return {key.x, key.x + 36 + widest, above, above + kLineHeight * static_cast<double>(key.lines.size())};
}

void write_file(const fs::path& path, const std::string& text) { std::ofstream(path) << text; }

Texts names(std::size_t count, const std::string& of) {
  Texts out;
  for (std::size_t i = 0; i < count; ++i) out.push_back(of + std::to_string(i));
  return out;
}

Figure figure_with(const Texts& variants, std::size_t panels) {
  Figure f{.name = "f", .title = "t", .legend = heed::report::legend_of(variants)};
  for (std::size_t i = 0; i < panels; ++i)
    f.panels.push_back({.title = "length = 1024, pairs = 16, noise = 0." + std::to_string(i)});
  return f;
}

}  // namespace

TEST_CASE("report drawing: text is broken after commas, and none of it is lost") {
  const std::string name = "window(size=1)+differential(subtraction=true,head_norm=false,half_width=true)";
  const Texts lines = heed::report::wrapped(name, 240);
  CHECK(lines ==
        Texts{"window(size=1)+", "differential(subtraction=true,", "head_norm=false,half_width=true)"});
  for (const double width : {20., 60., 100., 300.}) {
    std::string whole;
    for (const std::string& line : heed::report::wrapped(name, width)) {
      CHECK(heed::report::text_width(line) <= width);
      whole += line;
    }
    CHECK(whole == name);
  }
  CHECK(heed::report::wrapped("a(tokens=16,steps=200)>b(tokens=64)", 210) ==
        Texts{"a(tokens=16,steps=200)>", "b(tokens=64)"});
  CHECK(heed::report::breakable("a(b=1,c)>d+e 1,000") == "a(b=1,<wbr />c)&gt;<wbr />d+<wbr />e 1,000");
  CHECK(heed::report::wrapped("two words", 50) == Texts{"two", "words"});
  CHECK(heed::report::wrapped("ένα", 20) == Texts{"έ", "ν", "α"});  // characters, not bytes
  CHECK(heed::report::wrapped("", 20).empty());
}

TEST_CASE("report drawing: legends overlap neither each other nor the panels, and stay on the page") {
  const std::string longest = "window(size=1)+differential(subtraction=true,head_norm=false,half_width=true)";
  for (const std::string& name : {std::string("linear"), std::string("window+softmax"), longest})
    for (const std::size_t count : {1, 2, 5, 9, 30}) {
      CAPTURE(name, count);
      const Layout l = heed::report::layout(figure_with(names(count, name), 4));
      REQUIRE(l.keys.size() == count);
      for (std::size_t i = 0; i < count; ++i) {
        const Box box = box_of(l.keys[i]);
        CHECK((box.left >= 0 && box.right <= heed::report::kWidth && box.above >= 0));
        CHECK(box.below <= l.top - kLineHeight * static_cast<double>(l.titles[0].size()));
        for (std::size_t k = 0; k < i; ++k) CHECK_FALSE(overlap(box, box_of(l.keys[k])));
      }
    }
}

TEST_CASE("report drawing: titles of panels do not overlap") {
  for (const std::size_t panels : {2, 4, 9}) {
    CAPTURE(panels);
    const Layout l = heed::report::layout(figure_with({"a", "b"}, panels));
    CHECK(l.panel_width >= 130);
    for (const auto& title : l.titles)
      for (const std::string& line : title) CHECK(heed::report::text_width(line) < l.panel_width + l.gap_x);
  }
}

TEST_CASE("report drawing: text of results is shown by gnuplot unchanged") {
  CHECK(heed::report::quoted("it's `date` \"x\" \\n $1") == "'it''s `date` \"x\" \\n $1'");
  CHECK(heed::report::quoted("two\nlines") == "'two lines'");
}

TEST_CASE("report drawing: ids of two figures differ") {
  const std::string svg =
      "<?xml?>\n<svg width=\"720\" height=\"400\"\n viewBox=\"0 0 720 400\" xmlns=\"x\">\n<title>t</title>"
      "<g id=\"plot\"><use xlink:href='#gpPt1'/><path id='gpPt1'/><title>plot_1</title></g></svg>";
  const std::string html = heed::report::inline_svg(svg, "a_", "what it <shows>");
  CHECK_THAT(html, ContainsSubstring("<svg viewBox=\"0 0 720 400\" role=\"img\"") &&
                       ContainsSubstring("aria-label=\"what it &lt;shows&gt;\"") &&
                       ContainsSubstring("id=\"a_plot\"") && ContainsSubstring("href='#a_gpPt1'") &&
                       ContainsSubstring("id='a_gpPt1'"));
  CHECK(html.find("title") == std::string::npos);
  CHECK(html.find("width=") == std::string::npos);
}

TEST_CASE("report drawing: a drawing is used only if it is complete") {
  const TempFolder folder;
  const auto gnuplot = [&](const std::string& script) {
    write_file(folder / "gnuplot", script);
    fs::permissions(folder / "gnuplot", fs::perms::owner_all);
    return folder / "gnuplot";
  };
  // As it does on a full disk: a beginning, or nothing, and exit code 0.
  const std::string half =
      "#!/bin/sh\ncd \"$(dirname \"$2\")\"\nfor file in f.svg f.pdf f.png; do echo '<svg viewBox=\"\">' > "
      "$file; done\n";
  const Figure f = figure_with({"a"}, 1);
  const auto check = [&](const std::string& script, const std::string& complaint) {
    const auto drawing = heed::report::draw({f, f}, gnuplot(script));
    REQUIRE(drawing.drawn.size() == 2);
    CHECK(drawing.drawn[0].empty());
    CHECK_THAT(drawing.complaint, ContainsSubstring(complaint));
    write_file(folder / "kept/f.svg", "<svg></svg>");  // of an earlier report
    CHECK_THAT(heed::report::save_figures({f}, folder / "kept", folder / "gnuplot"),
               ContainsSubstring(complaint));
    for (const char* kind : {"svg", "pdf", "png"})
      CHECK_FALSE(fs::exists(folder / (std::string("kept/f.") + kind)));
    CHECK(fs::exists(folder / "kept/f.gp"));
  };
  fs::create_directory(folder / "kept");
  check(half, "gnuplot left f.svg incomplete");
  check("#!/bin/sh\n", "gnuplot left f.svg incomplete");
  check("#!/bin/sh\nkill -9 $$\n", "gnuplot was ended by signal 9 (SIGKILL).");
  check("#!/bin/sh\nexit 3\n", "gnuplot ended with exit code 3.");
  check("of another machine", "gnuplot cannot be started: Exec format error");
}

TEST_CASE("report drawing: gnuplot's drawing is complete, and kept if requested") {
  const auto gnuplot = heed::find_program("gnuplot");
  if (gnuplot.empty()) return;
  const TempFolder folder;
  Figure f = figure_with({"a"}, 1);
  f.panels[0].commands = "plot 1\n";
  CHECK(heed::report::draw({f}, gnuplot).complaint.empty());
  CHECK(heed::report::save_figures({f}, folder.path(), gnuplot).empty());
  for (const char* kind : {"svg", "pdf", "png"}) CHECK(fs::exists(folder / (std::string("f.") + kind)));
}

TEST_CASE("report drawing: if gnuplot cannot draw one figure, the others are drawn") {
  const auto gnuplot = heed::find_program("gnuplot");
  if (gnuplot.empty()) return;
  const auto figure = [](const char* name, const char* commands) {
    Figure f{.name = name, .title = name};
    f.panels.push_back({.x_label = "x", .y_label = "y", .commands = commands});
    return f;
  };
  const auto drawing = heed::report::draw(
      {figure("one", "plot 1\n"), figure("two", "plot no_such_thing\n"), figure("three", "plot 3\n")},
      gnuplot);
  REQUIRE(drawing.drawn.size() == 3);
  CHECK_THAT(drawing.drawn[0], ContainsSubstring("</svg>"));
  CHECK(drawing.drawn[1].empty());
  CHECK_THAT(drawing.drawn[2], ContainsSubstring("</svg>"));
  CHECK_THAT(drawing.complaint, ContainsSubstring("no_such_thing"));
}

TEST_CASE("report drawing: tics are round numbers with prefixes, as many as fit") {
  CHECK_THAT(heed::report::linear_axis('x', 0, 34000, 280),
             ContainsSubstring("('0' 0, '10k' 10000, '20k' 20000, '30k' 30000)"));
  CHECK_THAT(heed::report::linear_axis('x', 0, 34000, 90), ContainsSubstring("('0' 0, '20k' 20000)"));
  CHECK_THAT(heed::report::log_axis('y', 30, 2500, 220),
             ContainsSubstring("set logscale y") && ContainsSubstring("('50' 50, '100' 100, '200' 200"));
  CHECK_THAT(heed::report::log_axis('x', 30, 2500, 158),
             ContainsSubstring("('30' 30, '100' 100, '300' 300, '1k' 1000)"));
  CHECK_THAT(heed::report::x_axis_at({256, 512, 1024, 2048, 4096}, 200, 5000, true, 150),
             ContainsSubstring("set xtics (4096, 1024, 256)"));
  CHECK(heed::report::with_prefix(2500) == "2.5k");
}

TEST_CASE("report drawing: an axis shows all of a metric, and a share from 0 to 1") {
  CHECK_THAT(heed::report::metric_axis(true, {0.4}, 220), ContainsSubstring("set yrange [0:1]"));
  CHECK_THAT(heed::report::metric_axis(false, {10, kNaN, 100}, 220), ContainsSubstring("set yrange [0:106]"));
  CHECK_THAT(heed::report::metric_axis(false, {3, 3}, 220), ContainsSubstring("set yrange [2.7:3.3]"));
  const double next = std::nextafter(3., 4.);  // one value to all intents
  CHECK_THAT(heed::report::metric_axis(false, {3, next}, 220), ContainsSubstring("set yrange [2.7:3.3"));
  CHECK_THAT(heed::report::metric_axis(false, {}, 220), ContainsSubstring("set yrange [0:1]"));
}

TEST_CASE("styles differ in gray: no two of the first sixty share dash and point") {
  const std::string style = heed::report::style_script();
  Texts seen;
  for (std::size_t i = 0; i < 60; ++i) {
    const std::string line = "set " + std::string("style line ") + std::to_string(i + 1) + " ";
    const auto at = style.find(line);
    REQUIRE(at != std::string::npos);
    const auto dash = style.find(" dt ", at), end = style.find('\n', at);
    seen.push_back(style.substr(dash, end - dash));
  }
  std::sort(seen.begin(), seen.end());
  CHECK(std::adjacent_find(seen.begin(), seen.end()) == seen.end());
}
