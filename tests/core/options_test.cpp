#include "core/options.h"

#include <string>
#include <vector>

#include "core/views.h"
#include "tests/catch.h"
#include "tests/message.h"

namespace heed {
using test::missing;

namespace {

struct Width {
  Index width = 1;
  void describe(auto& option) { option("width", width, {.min = 1, .doc = "channels"}); }
};

struct Everything {
  bool causal = true;
  Index size = 16;
  double rate = 0.5;
  std::string norm = "layer", path = "";
  std::vector<Index> steps = {1, 2};
  std::vector<double> betas = {0.9};

  void describe(auto& option) {
    option("causal", causal, {.doc = "hide the future?"});
    option("size", size, {.min = 1, .max = 1 << 20, .doc = "keys"});
    option("rate", rate, {.min = 0, .doc = "a share"});
    option("norm", norm, {.choices = {"layer", "rms"}, .doc = "which"});
    option("path", path, {.doc = "a file"});
    option("steps", steps, {.max = 9, .doc = "numbers"});
    option("betas", betas, {.min = 0, .max = 1, .doc = "decays"});
  }
  void check(const Refuse& refuse) const {
    if (size > 100 && rate > 1) refuse("rate", "a large size wants a rate of at most 1");
    if (size == 99) refuse("size", "99 is refused.");
  }
};

// {key: value} standing at f.yaml:3:5, its value at f.yaml:3:9.
Config given(const std::string& key, Config value) {
  Config c = Config::map({"f.yaml", 3, 5});
  c.set(key, std::move(value), {"f.yaml", 3, 5});
  return c;
}
Config scalar(const std::string& text) { return Config::scalar(text, {"f.yaml", 3, 9}); }
Config list(std::vector<Config> items) { return Config::sequence(std::move(items), {"f.yaml", 3, 9}); }

std::vector<std::string> problems_of(const Config& c) {
  Everything options;
  Problems problems;
  read_options(options, c, "model", "'everything'", problems);
  return problems.lines();
}
std::string refused(const std::string& key, Config value) {
  const std::vector<std::string> lines = problems_of(given(key, std::move(value)));
  REQUIRE(lines.size() == 1);
  return lines[0];
}

}  // namespace

TEST_CASE("list_options: returns type, default, range and meaning") {
  const std::vector<OptionInfo> all = list_options<Everything>();
  std::string text;
  for (const OptionInfo& o : all) text += o.name + ", " + o.type + ", " + o.value + ", " + o.text.doc + '\n';
  CHECK(text ==
        "causal, boolean, true, hide the future?\n"
        "size, integer, 16, keys\n"
        "rate, number, 0.5, a share\n"
        "norm, string, layer, which\n"
        "path, string, \"\", a file\n"
        "steps, list of integers, [1, 2], numbers\n"
        "betas, list of numbers, [0.9], decays\n");
  CHECK(all[1].text.min == 1.0);
  CHECK(all[3].text.choices == std::vector<std::string>{"layer", "rms"});
}

TEST_CASE("options: a given value replaces the default; other defaults stay") {
  Config c = Config::map();
  c.set("size", scalar("8"));
  c.set("rate", scalar("2"));
  c.set("norm", scalar("rms"));
  c.set("path", scalar("12"));  // a text may look like a number
  c.set("betas", list({scalar("0"), scalar("1e-1")}));
  const Everything o = make_options<Everything>(c, "everything");
  CHECK(o.causal);
  CHECK(o.size == 8);
  CHECK(o.rate == 2);
  CHECK(o.norm == "rms");
  CHECK(o.path == "12");
  CHECK(o.steps == std::vector<Index>{1, 2});
  CHECK(o.betas == std::vector<double>{0, 0.1});
}

TEST_CASE("options: written options are complete and read back to themselves") {
  Everything o;
  o.rate = 1e-3;
  o.path = "12";
  o.steps = {};
  const Config written = write_options(o);
  CHECK(written.canonical() ==
        "{betas: [0.9], causal: true, norm: layer, path: \"12\", rate: 0.001, size: 16, steps: []}");
  CHECK(write_options(make_options<Everything>(written, "everything")).canonical() == written.canonical());
  CHECK(write_options(make_options<Everything>(Config(), "everything")).canonical() ==
        write_options(Everything()).canonical());
}

TEST_CASE("options: an unknown option is refused with the nearest name") {
  CHECK(missing(refused("szie", scalar("8")), {"f.yaml:3:5: model.szie:", "Did you mean 'size'?"}) == "");
  CHECK(missing(refused("color", scalar("8")), {"f.yaml:3:5: model.color:", "Known: causal"}) == "");
}

TEST_CASE("options: an option of a variant without options is refused") {
  NoOptions none;
  Problems problems;
  read_options(none, given("size", scalar("8")), "variants[0].plain", "'plain'", problems);
  REQUIRE(problems.lines().size() == 1);
  CHECK(missing(problems.lines()[0], {"f.yaml:3:5: variants[0].plain.size:", "'plain'", "no options"}) == "");
}

TEST_CASE("options: an integer without a limit of its own is at most 2147483647") {
  const auto read = [](const char* text) {
    Width o;
    Problems problems;
    read_options(o, given("width", scalar(text)), "model", "'model'", problems);
    return problems.empty() ? std::to_string(o.width) : problems.lines()[0];
  };
  CHECK(read("2147483647") == "2147483647");
  CHECK(missing(read("2147483648"),
                {"f.yaml:3:9: model.width:", "is too large; it must be at most 2147483647"}) == "");
}

TEST_CASE("options: a number that is written in another way is refused with what was meant") {
  CHECK(missing(refused("size", scalar("1.5e0")),
                {"f.yaml:3:9: model.size:", "expected an integer, found 1.5e0, which is 1.5."}) == "");
  CHECK(missing(refused("size", scalar("1e30")), {"f.yaml:3:9: model.size:", "1e30 is too large"}) == "");
  CHECK(missing(refused("size", scalar("8.0")),
                {"f.yaml:3:9: model.size:", "found 8.0", "Did you mean 8?"}) == "");
  CHECK(missing(refused("size", scalar("99999999999999999999")),
                {"f.yaml:3:9: model.size:", "is too large"}) == "");
  CHECK(missing(refused("rate", scalar("1,5")),
                {"f.yaml:3:9: model.rate:", "found the string '1,5'", "Did you mean 1.5?"}) == "");
  // {rate: 1,5} has the keys rate and 5.
  Config c = given("rate", scalar("1"));
  c.set("5", Config());
  Problems problems;
  Everything o;
  read_options(o, c, "model", "'model'", problems);
  CHECK(missing(problems.lines().at(0), {"model.5:", "Did you mean 'rate: 1.5'?"}) == "");
}

TEST_CASE("options: a value of the wrong type is refused with the expected and the found type") {
  CHECK(missing(refused("causal", scalar("yes")),
                {"f.yaml:3:9: model.causal:", "true or false", "found the string 'yes'"}) == "");
  CHECK(missing(refused("size", scalar("1.5")), {"f.yaml:3:9: model.size:", "an integer", "found 1.5"}) ==
        "");
  CHECK(missing(refused("size", list({})),
                {"f.yaml:3:9: model.size:", "an integer", "found an empty list"}) == "");
  CHECK(missing(refused("rate", scalar("fast")),
                {"f.yaml:3:9: model.rate:", "a number", "found the string 'fast'"}) == "");
  CHECK(missing(refused("rate", Config::scalar("1", {"f.yaml", 3, 9}, true)),
                {"f.yaml:3:9: model.rate:", "a number", "found the string '1'"}) == "");
  CHECK(missing(refused("norm", Config::map({"f.yaml", 3, 9})),
                {"f.yaml:3:9: model.norm:", "a string", "found an empty map"}) == "");
  CHECK(missing(refused("path", Config::null({"f.yaml", 3, 9})),
                {"f.yaml:3:9: model.path:", "a string", "found null"}) == "");
  CHECK(missing(refused("steps", scalar("3")),
                {"f.yaml:3:9: model.steps:", "a list of integers", "found 3"}) == "");
  CHECK(missing(refused("steps", list({scalar("1"), scalar("x")})),
                {"f.yaml:3:9: model.steps[1]:", "an integer", "found the string 'x'"}) == "");
  CHECK(missing(refused("betas", scalar("3")),
                {"f.yaml:3:9: model.betas:", "a list of numbers", "found 3"}) == "");
}

namespace {
struct Switch {
  bool on = true;
  void describe(auto& option) { option("on", on, {.doc = "a switch"}); }
};
}  // namespace

TEST_CASE("options: other spellings of a boolean are refused with the right one") {
  const auto problem_of = [](const Config& value) {
    Config given = Config::map();
    given.set("on", value);
    Switch read;
    Problems problems;
    read_options(read, given, "x", "'x'", problems);
    return problems.empty() ? "" : problems.lines().at(0);
  };
  CHECK(problem_of(Config::scalar("false")).empty());
  for (const char* word : {"no", "No", "NO", "off", "Off", "False", "FALSE", "n", "0"})
    CHECK_THAT(problem_of(Config::scalar(word)), ContainsSubstring("Did you mean false?"));
  for (const char* word : {"yes", "Yes", "on", "ON", "True", "TRUE", "y", "1"})
    CHECK_THAT(problem_of(Config::scalar(word)), ContainsSubstring("Did you mean true?"));
  CHECK_THAT(problem_of(Config::scalar("true", {}, true)), ContainsSubstring("Did you mean true?"));
  CHECK_THAT(problem_of(Config::scalar("2")), !ContainsSubstring("Did you mean"));
}

TEST_CASE("options: a value out of range is refused with the range") {
  CHECK(missing(refused("size", scalar("0")), {"f.yaml:3:9: model.size:", "from 1 to 1048576"}) == "");
  CHECK(missing(refused("rate", scalar("-1e-3")), {"f.yaml:3:9: model.rate:", "at least 0"}) == "");
  CHECK(missing(refused("steps", list({scalar("10")})), {"f.yaml:3:9: model.steps[0]:", "at most 9"}) == "");
  CHECK(missing(refused("betas", list({scalar("0.5"), scalar("1.5")})),
                {"f.yaml:3:9: model.betas[1]:", "from 0 to 1"}) == "");
  CHECK(problems_of(given("size", scalar("1"))).empty());
  CHECK(problems_of(given("size", scalar("1048576"))).empty());
}

TEST_CASE("options: an unknown choice is refused with the nearest one") {
  CHECK(missing(refused("norm", scalar("layr")), {"f.yaml:3:9: model.norm:", "Did you mean 'layer'?"}) == "");
}

TEST_CASE("read_options: refuses options that are not a map") {
  const std::vector<std::string> lines = problems_of(scalar("8"));
  REQUIRE(lines.size() == 1);
  CHECK(missing(lines[0], {"f.yaml:3:9: model:", "'everything'", "a map, not 8"}) == "");
}

TEST_CASE("options: values that are wrong only together are refused by the struct") {
  Config c = given("size", scalar("101"));
  c.set("rate", Config::scalar("2", {"f.yaml", 4, 9}));
  const std::vector<std::string> lines = problems_of(c);
  REQUIRE(lines.size() == 1);
  CHECK(missing(lines[0], {"f.yaml:4:9: model.rate:", "a rate of at most 1."}) == "");
  CHECK(refused("size", scalar("99")) == "f.yaml:3:9: model.size: 99 is refused.");  // one full stop, not two
}

TEST_CASE("options: all mistakes are reported at once; values are checked together only if each is right") {
  Config c = given("size", scalar("101"));
  c.set("rate", Config::scalar("2", {"f.yaml", 4, 9}));
  c.set("norm", Config::scalar("x", {"f.yaml", 5, 9}));
  c.set("color", Config(), {"f.yaml", 6, 5});
  const std::vector<std::string> lines = problems_of(c);
  REQUIRE(lines.size() == 2);
  CHECK_THAT(lines[0], ContainsSubstring("f.yaml:5:9: model.norm"));
  CHECK_THAT(lines[1], ContainsSubstring("f.yaml:6:5: model.color"));
}

TEST_CASE("options: constructing from wrong options throws all mistakes") {
  CHECK_THROWS_WITH(
      make_options<Everything>(given("size", scalar("0")), "window"),
      ContainsSubstring("f.yaml:3:9: window.size: 0") && ContainsSubstring("from 1 to 1048576"));
}

}  // namespace heed
