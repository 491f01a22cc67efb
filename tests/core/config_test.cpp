#include "core/config.h"

#include <vector>

#include "tests/catch.h"

namespace heed {
namespace {

Config plain(const std::string& text) { return Config::scalar(text); }
Config quoted(const std::string& text) { return Config::scalar(text, {}, true); }

bool is_whole(const std::string& text) {
  long long value;
  return plain(text).read(value);
}
bool is_number(const std::string& text) {
  double value;
  return plain(text).read(value);
}

Config sample() {
  Config c = Config::map();
  c.set("name", plain("recall"));
  c.set_path("train.lr", plain("1e-3"));
  c.set_path("train.steps", plain("20"));
  c.set("sizes", Config::sequence({plain("8"), plain("16.0")}));
  c.set("none", Config());
  c.set("empty", Config::map());
  return c;
}

}  // namespace

TEST_CASE("config: scalars are read by the YAML 1.2 core schema") {
  long long whole = 0;
  double number = 0;
  bool boolean = false;
  CHECK((plain("-17").read(whole) && whole == -17));
  CHECK((plain("+17").read(whole) && whole == 17));
  for (const auto& [text, expected] : {std::pair("1e4", 10000LL),
                                       {"+1E4", 10000},
                                       {"-2e+3", -2000},
                                       {"1.5e3", 1500},
                                       {"1.50e1", 15},
                                       {"2.e2", 200},
                                       {"1200e-2", 12},
                                       {"9e18", 9000000000000000000}}) {
    CAPTURE(text);
    CHECK((plain(text).read(whole) && whole == expected));
  }
  CHECK((plain("1e-3").read(number) && number == 0.001));
  CHECK((plain("+.5").read(number) && number == 0.5));
  CHECK((plain("3").read(number) && number == 3));
  CHECK((plain("true").read(boolean) && boolean));
  CHECK((plain("false").read(boolean) && !boolean));
}

TEST_CASE("config: text that is not a number is not read as one") {
  for (const char* text :
       {"", "-", "+", "+-5", "-+5", "010", "-010", "1.5", "0x10", "1_000", "12a", "99999999999999999999"})
    CHECK_FALSE(is_whole(text));
  // with an exponent, but no integer, or too large for one
  for (const char* text : {"1.5e0", "1e-3", "1.25e1", "15e-1", "1e", "e4", "1e4.0", "1e4e1", "1e+-4", ".e4",
                           "01e4", "1e19", "1e99", "0x1e4"}) {
    CAPTURE(text);
    CHECK_FALSE(is_whole(text));
  }
  for (const char* text : {"", ".", "+", "+-5", "1e", "0x10", "010", "-01.5", "1.5.2", "1,5", "nan", "inf",
                           ".nan", ".inf", "-.inf", "1e999", "NaN", " 1", "1 "}) {
    CAPTURE(text);
    CHECK_FALSE(is_number(text));
  }
  bool boolean;
  for (const char* text : {"yes", "no", "on", "off", "True", "TRUE", "1"})
    CHECK_FALSE(plain(text).read(boolean));
  double number;
  CHECK_FALSE(quoted("1").read(number));
  CHECK_FALSE(quoted("true").read(boolean));
  CHECK_FALSE(Config().read(number));
  CHECK_FALSE(Config::map().read(number));
}

TEST_CASE("config: equal meaning gives equal canonical text") {
  CHECK(plain("1e-3").canonical() == "0.001");
  CHECK(plain("0.0010").canonical() == "0.001");
  CHECK(plain("1.0").canonical() == "1");
  CHECK(plain("+1").canonical() == "1");
  CHECK(plain("1e3").canonical() == "1000");
  CHECK(plain("-0.0").canonical() == "0");
  CHECK(plain("1e15").canonical() == plain("1000000000000000").canonical());
  CHECK(plain("1e18").canonical() == plain("1000000000000000000").canonical());
  CHECK(plain("0.1").canonical() == "0.1");
  CHECK(Config::number(1.0 / 3).canonical() == "0.3333333333333333");
  CHECK(plain("true").canonical() == "true");
  CHECK(Config().canonical() == "null");
  CHECK(quoted("softmax").canonical() == plain("softmax").canonical());
}

TEST_CASE("config: the canonical text sorts keys and keeps the order of lists") {
  CHECK(sample().canonical() ==
        "{empty: {}, name: recall, none: null, sizes: [8, 16], train: {lr: 0.001, steps: 20}}");
  Config other = Config::map();
  other.set("b", plain("2"));
  other.set("a", plain("1"));
  CHECK(other.canonical() == "{a: 1, b: 2}");
}

TEST_CASE("config: different meanings give different canonical texts") {
  CHECK(quoted("1").canonical() == "\"1\"");
  CHECK(quoted("true").canonical() == "\"true\"");
  CHECK(quoted("null").canonical() == "\"null\"");
  CHECK(quoted("").canonical() == "\"\"");
  CHECK(quoted("[1]").canonical() == "\"[1]\"");
  CHECK(Config::sequence({plain("1"), plain("2")}).canonical() !=
        Config::sequence({quoted("1, 2")}).canonical());
}

TEST_CASE("config: strings that a YAML reader would read as something else are quoted") {
  for (const char* text : {"yes", "off", "~",  "a: b", "#a", "- a", "-a", "?",   " a",   "a ",  "{",
                           "a,b", "*a",  "&a", "!a",   "%a", "@a",  "`a", "a'b", "0x:1", "010", "-07"}) {
    CAPTURE(text);
    CHECK(plain(text).canonical() == '"' + std::string(text) + '"');
  }
  CHECK(quoted("a\"b\\c\nd\te").canonical() == R"("a\"b\\c\nd\te")");
  for (const char* text : {"softmax", "gelu_tanh", "../data/a.txt", "head 1", "0", "x-1"}) {
    CAPTURE(text);
    CHECK(plain(text).canonical() == text);
  }
}

TEST_CASE("config: readable text keeps the order of the keys") {
  CHECK(sample().yaml() ==
        "name: recall\n"
        "train:\n"
        "  lr: 0.001\n"
        "  steps: 20\n"
        "sizes: [8, 16]\n"
        "none: null\n"
        "empty: {}\n");
}

TEST_CASE("config: keys are found, replaced, erased and reached by a dotted path") {
  Config c = sample();
  CHECK(c.find("name")->text() == "recall");
  CHECK(c.find("nome") == nullptr);
  CHECK(c.find_path("train.lr")->text() == "1e-3");
  CHECK(c.find_path("train.rate") == nullptr);
  CHECK(c.find_path("name.deeper") == nullptr);
  c.set_path("train.lr", plain("5"));
  CHECK(c.find_path("train.lr")->text() == "5");
  CHECK(c.find_path("train.steps")->text() == "20");
  c.set_path("a.b.c", plain("1"));
  CHECK(c.find("a")->canonical() == "{b: {c: 1}}");
  c.erase("a");
  CHECK(c.find("a") == nullptr);
  const std::size_t before = c.entries().size();
  c.set("name", plain("copy"));
  CHECK(c.entries().size() == before);
  CHECK(c.entries()[0].value.text() == "copy");
  Config scalar = plain("1");
  CHECK_THROWS_AS(scalar.set("a", plain("1")), Bug);
}

TEST_CASE("config: described() has kind and value") {
  CHECK(Config().described() == "null");
  CHECK(Config::sequence({}).described() == "an empty list");
  CHECK(Config::map().described() == "an empty map");
  CHECK(plain("abc").described() == "the string 'abc'");
  CHECK(quoted("1").described() == "the string '1'");
  CHECK(plain("1.5").described() == "1.5");
  CHECK(plain("true").described() == "true");
  CHECK(Config::sequence({plain("1"), plain("2")}).described() == "a list of 2");
  CHECK([] {
    Config c = Config::map();
    c.set("a", plain("1"));
    return c.described();
  }() == "a map");
}

TEST_CASE("config: problems come in the order of their places, those without one first") {
  Problems problems;
  CHECK_NOTHROW(problems.throw_if_any());
  problems.add({"f.yaml", 9, 1}, "third.");
  problems.add({"f.yaml", 2, 5}, "second.");
  problems.add({"f.yaml", 2, 3}, "first.");
  problems.add({"f.yaml", 9, 1}, "fourth, of the same place.");
  problems.add({}, "nowhere.");
  CHECK(problems.size() == 5);
  CHECK_THROWS_WITH(problems.throw_if_any(),
                    "nowhere.\n"
                    "f.yaml:2:3: first.\n"
                    "f.yaml:2:5: second.\n"
                    "f.yaml:9:1: third.\n"
                    "f.yaml:9:1: fourth, of the same place.");
  CHECK_THROWS_AS(problems.throw_if_any(), ConfigError);
}

TEST_CASE("Problems: a duplicate is reported once") {
  Problems problems, others;
  problems.add({"f.yaml", 2, 3}, "wrong.");
  problems.add({"f.yaml", 2, 3}, "wrong.");
  others.add({"f.yaml", 2, 3}, "wrong.");
  others.add({"f.yaml", 1, 1}, "wrong, too.");
  problems.add(others);
  CHECK(problems.lines() == std::vector<std::string>{"f.yaml:1:1: wrong, too.", "f.yaml:2:3: wrong."});
}

TEST_CASE("config: the nearest name is the one a typing error away") {
  const std::vector<std::string> names = {"size", "dilation", "global_tokens"};
  CHECK(nearest("szie", names) == "size");  // two neighbors swapped count once
  CHECK(nearest("siz", names) == "size");
  CHECK(nearest("size", names) == "size");
  CHECK(nearest("dillation", names) == "dilation");
  CHECK(nearest("global_token", names) == "global_tokens");
  CHECK(nearest("glob_tokens", names) == "global_tokens");
  CHECK(nearest("width", names).empty());
  CHECK(nearest("sice", {"tile"}).empty());  // two letters of four make another word
  CHECK(nearest("task", {"topk"}).empty());
  CHECK(nearest("size", {}).empty());
  CHECK(nearest("ab", {"ax", "ab"}) == "ab");
  CHECK(nearest("ay", {"ax", "az"}) == "ax");  // the first of equals
}

TEST_CASE("config: a suggestion names the nearest and all that are known") {
  CHECK(suggestion("szie", {"size", "dilation"}) == " Did you mean 'size'? Known: size, dilation.");
  CHECK(suggestion("color", {"size", "dilation"}) == " Known: size, dilation.");
  CHECK(suggestion("color", {}).empty());
}

}  // namespace heed
