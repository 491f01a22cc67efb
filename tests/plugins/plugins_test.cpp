// Twelve wrong plugins and some more, each refused or found with a message that names the fault.
#include <clocale>
#include <csignal>
#include <filesystem>
#include <string>

#include "core/plugin_host.h"
#include "core/plugin_stamp.h"
#include "tests/catch.h"
#include "tests/experiments/cli/program.h"
#include "tests/paths.h"
#include "tests/plugins/pass.h"
#include "tests/results/temp_folder.h"

namespace {

using heed::PluginError;
using heed::Registry;
using heed::test::Ended;
using heed::test::TempFolder;
using Path = std::filesystem::path;

Path plugin(const std::string& name) { return heed::test::build_dir() / "plugins" / (name + ".so"); }

Registry builtin() {
  Registry registry;
  heed::register_builtin_variants(registry);
  return registry;
}

// Why a file is refused; empty where it is loaded. A refusal leaves the registry as it was.
std::string refusal(const Path& file) {
  Registry registry = builtin();
  const std::size_t before = registry.variants().size();
  try {
    heed::load_plugin(file, registry);
  } catch (const PluginError& e) {
    CHECK(registry.variants().size() == before);
    CHECK(registry.plugins().empty());
    return e.what();
  }
  return "";
}

// A copy of a good plugin with a text in its bytes replaced by one of the same length.
Path forged(const TempFolder& folder, const std::string& what, const std::string& by,
            const std::string& name = "faulty") {
  std::string bytes = heed::test::read_file(plugin(name));
  const std::size_t at = bytes.find(what, bytes.find("heed plugin stamp: "));
  REQUIRE(at != std::string::npos);
  REQUIRE(what.size() == by.size());
  const Path file = folder.path() / (by + ".so");  // not one that is loaded already
  heed::test::write_file(file, bytes.replace(at, what.size(), by));
  return file;
}

// `heed check` of one variant of the plugin `faulty`.
std::string found(const std::string& variant) {
  const TempFolder folder;
  const Ended ended =
      heed::test::heed(folder.path(), {"check", variant, "--plugin", plugin("faulty").string()});
  CHECK(ended.code == 1);
  return ended.out + ended.err;
}

}  // namespace

TEST_CASE("plugins: a plugin registers its variants once, with its name, version, hash and stamp") {
  Registry registry = builtin();
  heed::load_plugin(plugin("faulty"), registry);
  heed::load_plugin(plugin("faulty"), registry);
  REQUIRE(registry.plugins().size() == 1);
  const heed::PluginOrigin origin = registry.plugins()[0];
  CHECK(origin.name == "faulty");
  CHECK(origin.version == "0.1");
  CHECK(origin.path == std::filesystem::canonical(plugin("faulty")).string());
  CHECK(origin.hash.size() == 16);
  CHECK(origin.stamp.starts_with(HEED_STAMP_ABI));
  CHECK(registry.variant("faulty_scaled").plugin->hash == origin.hash);
  CHECK_FALSE(registry.variant("softmax").plugin);

  SECTION("a trial that was planned with other bytes is not run with these") {
    heed::PluginOrigin other = origin;
    other.hash[0] = other.hash[0] == '0' ? '1' : '0';
    Registry fresh = builtin();
    CHECK_THROWS_WITH(heed::load_plugin(other, fresh),
                      ContainsSubstring("this plugin has changed since the trial was planned"));
    CHECK_NOTHROW(heed::load_plugin(origin, fresh));
  }
}

TEST_CASE("plugins: a plugin of another build is refused before its code runs, with the difference") {
  const TempFolder folder;
  const auto check = [](const std::string& why, const std::string& differs) {
    for (const std::string& part :
         {differs, std::string("none of its code was run"), std::string("heed's stamp:   " HEED_STAMP),
          std::string("Build it again")})
      CHECK_THAT(why, ContainsSubstring(part));
  };
  SECTION("1. another ABI number") {
    const std::string own = HEED_TEXT(HEED_PLUGIN_ABI);
    std::string other = own;  // as long, so that it fits into the plugin's file
    other.back() = other.back() == '1' ? '2' : '1';
    check(refusal(forged(folder, "abi=" + own, "abi=" + other)),
          "abi: " + other + " in the plugin, " + own + " in this heed");
  }
  SECTION("2. another compiler") {
    std::string other = HEED_STAMP_COMPILER;
    other.back() = other.back() == '9' ? '8' : '9';
    check(refusal(forged(folder, "compiler=" HEED_STAMP_COMPILER, "compiler=" + other)),
          "compiler: " + other + " in the plugin, " HEED_STAMP_COMPILER " in this heed");
  }
  SECTION("3. another alignment") {
    check(refusal(plugin("misaligned")), "alignment: 32/16 in the plugin, 64/16 in this heed");
  }
  SECTION("4. compiled with fast math") {
    check(refusal(plugin("careless")), "math: fast in the plugin, strict in this heed");
    check(refusal(plugin("careless")),
          "without -ffast"
          "-math");
  }
  SECTION("for a machine that has more") {
    CHECK(refusal(forged(folder, "abi", "abi")).empty());  // forging alone breaks nothing
#ifdef __AVX2__
    CHECK_THAT(refusal(forged(folder, "avx2", "avx9", "clashing")),
               ContainsSubstring("this plugin was built for another machine: this one lacks avx9."));
#endif
  }
  SECTION("no plugin at all") {
    CHECK_THAT(refusal(folder.path() / "none.so"), ContainsSubstring("this plugin cannot be read"));
    CHECK_THAT(refusal(folder.path()), ContainsSubstring("this plugin cannot be read"));
    heed::test::write_file(folder.path() / "text.so", "heed plugin stamp: abi=1;");
    CHECK_THAT(refusal(folder.path() / "text.so"), ContainsSubstring("this is not a shared library"));
    CHECK_THAT(refusal(heed::test::program()), ContainsSubstring("has no stamp of heed"));
  }
}

TEST_CASE("plugins: a plugin that fails to load is refused, and its registrations are removed") {
  SECTION("5. without an entry") {
    CHECK_THAT(refusal(plugin("without_entry")), ContainsSubstring("a stamp of heed, but no entry"));
  }
  SECTION("registers another name than REGISTERS says") {
    CHECK_THAT(
        refusal(plugin("misnamed")),
        ContainsSubstring("says that this plugin registers 'misnamed', and its sources register 'misnaned'"));
  }
  SECTION("6. a name that is taken") {
    CHECK_THAT(
        refusal(plugin("clashing")),
        ContainsSubstring("it brings a variant called 'softmax', and heed itself has one of this name"));
  }
  SECTION("7. throws when it registers") {
    CHECK_THAT(refusal(plugin("throwing")),
               ContainsSubstring("this plugin could not register its contents: no license found"));
  }
  SECTION("brings nothing") {
    CHECK_THAT(refusal(plugin("bringing_nothing")),
               ContainsSubstring(
                   "this plugin contains no variant, no position, no optimizer, no schedule and no task"));
  }
  SECTION("changes what belongs to the process") {
    const std::string locale = std::setlocale(LC_ALL, nullptr);
    const Path folder = std::filesystem::current_path();
    const std::string why = refusal(plugin("meddling"));
    for (const char* what : {"the locale", "the signal mask", "the working directory"})
      CHECK_THAT(why, ContainsSubstring(what));
#if defined(__SSE__)
    CHECK_THAT(why, ContainsSubstring("the rounding mode"));
    CHECK((__builtin_ia32_stmxcsr() & 0x8040) == 0);
#endif
    CHECK(std::setlocale(LC_ALL, nullptr) == locale);
    CHECK(std::filesystem::current_path() == folder);
    sigset_t mask;
    pthread_sigmask(SIG_BLOCK, nullptr, &mask);
    CHECK(sigismember(&mask, SIGUSR2) == 0);
  }
  SECTION("the program says so with exit code 66") {
    const TempFolder folder;
    const Ended ended = heed::test::heed(folder.path(), {"list", "--plugin", plugin("clashing").string()});
    CHECK(ended.code == 66);
    CHECK(ended.out.empty());
    CHECK_THAT(ended.err, ContainsSubstring("called 'softmax'"));
  }
}

TEST_CASE("plugins: wrong numbers of a plugin are found by the checks") {
  SECTION("8. a gradient that is wrong by a factor") {
    CHECK_THAT(found("faulty_scaled"), ContainsSubstring("gradient") && ContainsSubstring("ratio 0.333333"));
  }
  SECTION("9. leaks the future") {
    CHECK_THAT(found("faulty_leaking"),
               ContainsSubstring("position 1 leaks: changing it changes the output at position 0"));
  }
  SECTION("10. writes outside of its view") {
    CHECK_THAT(found("faulty_outside"), ContainsSubstring("bounds"));
  }
  SECTION("11. depends on the number of threads") {
    CHECK_THAT(found("faulty_threaded"), ContainsSubstring("threads                          failed"));
  }
  SECTION("12. keeps state between sequences") {
    CHECK_THAT(found("faulty_stateful"), ContainsSubstring("batch independence               failed"));
  }
}

TEST_CASE("plugins: HEED_PLUGIN_PATH names files and folders") {
  const TempFolder folder;
  heed::test::write_file(folder.path() / "b.so", "");
  heed::test::write_file(folder.path() / "a.so", "");
  heed::test::write_file(folder.path() / "notes.txt", "");
  const std::vector<Path> files = heed::plugin_files("x.so::" + folder.path().string());
  CHECK(files == std::vector<Path>{"x.so", folder.path() / "a.so", folder.path() / "b.so"});
  CHECK(heed::plugin_files("").empty());
}

TEST_CASE("plugins: a sweep's plugins are found from its run directory, in any working directory") {
  const TempFolder folder, elsewhere;
  std::filesystem::create_directory(folder / "built");
  std::filesystem::copy_file(plugin("misbehaving"), folder / "built/mine.so");
  const std::string smoke = heed::test::read_file(heed::test::source_dir() / "configs/smoke.yaml");
  heed::test::write_file(folder / "s.yaml", smoke + "\nplugins: [built/mine.so]\n");
  const std::string variants = "variants=[softmax, {misbehaving: {fault: none}}]";
  const bool overridden = GENERATE(false, true);  // the run directory's copy is another text then
  std::vector<std::string> words = {"run", "s.yaml", "-o", "r"};
  if (overridden) words.push_back(variants);
  REQUIRE(heed::test::heed(folder.path(), words).code == 0);
  const Ended again = heed::test::heed(
      elsewhere.path(), {"run", (folder / "r/sweep.yaml").string(), "-o", (folder / "r").string()});
  CHECK(again.code == 0);
  CHECK_THAT(again.err, ContainsSubstring("Nothing to run"));
}

TEST_CASE(
    "plugins: a name that is registered and not listed is refused before linking, with the listed one") {
  const TempFolder folder;
  const Path include = heed::test::source_dir() / "cmake" / "HeedRegistered.cmake";
  const auto checked = [&](const std::string& source, const std::string& names) {
    heed::test::write_file(folder.path() / "ed.cpp", source);
    heed::test::write_file(folder.path() / "check.cmake",
                           "include(" + include.string() +
                               ")\nheed_check_registered(\"heed_add_plugin(ed)\" \"" + names + "\" \"" +
                               (folder.path() / "ed.cpp").string() + "\")\n");
    return heed::test::shell(folder.path(), "cmake -P check.cmake");
  };
  CHECK(checked("HEED_MIXER(ed, Ed, \"x\")\n", "ed").code == 0);
  CHECK(checked("// HEED_MIXER(edd, Ed)\nHEED_LAYER(ed, Ed)\nHEED_TASK(task, T)\n", "ed;task").code == 0);
  for (const std::string macro : {"HEED_MIXER", "HEED_LAYER", "HEED_POSITION", "HEED_TASK"}) {
    const Ended ended = checked("}  // namespace\n\n" + macro + "(edd, Ed, \"a; [b\")\n", "ed");
    CHECK(ended.code != 0);
    CHECK_THAT(ended.err, ContainsSubstring("heed_add_plugin(ed) expects 'ed'"));
    CHECK_THAT(ended.err, ContainsSubstring("ed.cpp registers 'edd': " + macro + "(edd, ...)"));
  }
}

TEST_CASE("plugins: a name that is reserved in sweep files is not registered") {
  for (const char* name : {"stack", "grow", "none", "true", "train"}) {
    Registry registry;
    CHECK_THROWS_WITH(registry.add_layer<heed::faulty::Pass>(name, heed::About{"x"}),
                      ContainsSubstring("needs another name"));
  }
}
