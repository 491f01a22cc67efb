#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cfenv>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <new>
#include <sstream>
#include <string>
#include <system_error>
#include <vector>

#include <fmt/format.h>

#include "core/abbreviate.h"
#include "core/plugin_host.h"
#include "experiments/cli/angles.h"
#include "experiments/cli/command.h"
#include "experiments/cli/eval.h"
#include "experiments/cli/replay.h"
#include "experiments/cli/sample.h"
#include "experiments/cli/time_steps.h"
#include "experiments/run/slurm.h"
#include "experiments/tasks/builtin.h"
#include "experiments/train/provenance.h"
#include "results/errors.h"

namespace heed::cli {
namespace {

std::vector<Command> all_commands() {
  return {list_command(),   plan_command(),    run_command(),    submit_command(),    status_command(),
          merge_command(),  compare_command(), replay_command(), report_command(),    eval_command(),
          sample_command(), verify_command(),  bench_command(),  check_command(),     angles_command(),
          data_command(),   new_command(),     trial_command(),  time_steps_command()};
}

Registry builtin_registry() {
  Registry registry;
  register_builtin_variants(registry);
  register_builtin_tasks(registry);
  return registry;
}

std::string exit_codes() {
  std::string text;
  for (const auto& [code, meaning] : kExitCodes)
    text += fmt::format("  {:<10}{}\n", static_cast<int>(code), meaning);
  return text;
}

std::string help(const std::vector<Command>& commands) {
  std::string text =
      "heed compares attention variants: one C++ file per variant, one YAML file per experiment, one HDF5 "
      "file\n"
      "of results.\n\n"
      "    heed run configs/quickstart.yaml        trains what has no result yet and prints the "
      "comparison\n\n"
      "Verbs:\n";
  for (const Command& c : commands)
    if (!c.internal) text += fmt::format("  {:<10}{}\n", c.name, c.summary);
  return text +
         "\n`heed VERB --help` describes a verb, `heed --version` this build. Verbs that use variants load\n"
         "plugins: --plugin FILE.so (may be repeated), and the files and folders in HEED_PLUGIN_PATH.\n"
         "Exit codes:\n" +
         exit_codes();
}

po::options_description plugin_options(const Command& c) {
  po::options_description options;
  if (c.loads_plugins)
    options.add_options()("plugin", po::value<std::vector<std::string>>()->value_name("FILE.so"),
                          "load this plugin; may be repeated");
  return options;
}

std::string help(const Command& c) {
  po::options_description all("Options");
  for (const auto& group : {c.options, plugin_options(c)})
    for (const auto& option : group.options()) all.add(option);
  std::ostringstream options;
  options << all;
  return fmt::format("heed {} {}\n{}\n\n{}\n{}", c.name, c.synopsis, c.summary, c.details,
                     all.options().empty() ? "" : '\n' + options.str());
}

std::vector<std::string> option_names(const po::options_description& options) {
  std::vector<std::string> names;
  for (const auto& o : options.options()) names.push_back("--" + o->long_name());
  return names;
}

// Returns the known option that an unknown option is the beginning of ("--retry"), else the option itself.
std::string completed(const std::string& option, const std::vector<std::string>& known) {
  const auto at =
      std::find_if(known.begin(), known.end(), [&](const std::string& k) { return k.starts_with(option); });
  return at == known.end() ? option : *at;
}

// Returns what is built in, and the plugins of HEED_PLUGIN_PATH and of the command line.
Registry registry_for(const Command& c, const std::vector<std::string>& plugins) {
  Registry registry = builtin_registry();
  if (!c.loads_plugins) return registry;
  if (const char* path = std::getenv("HEED_PLUGIN_PATH"))
    for (const std::filesystem::path& file : plugin_files(path)) load_plugin(file, registry);
  for (const std::string& file : plugins) load_plugin(file, registry);
  return registry;
}

// "override..." takes all words that follow, and is called "override".
std::string argument_name(const std::string& argument) {
  return argument.ends_with("...") ? argument.substr(0, argument.size() - 3) : argument;
}

// The second pass: parses the words after the verb by the verb's own options.
po::variables_map parse(const Command& c, const std::vector<std::string>& words) {
  po::options_description all;
  all.add(c.options).add(c.hidden_options).add(plugin_options(c)).add_options()("help,h", "");
  po::positional_options_description positional;
  for (const std::string& argument : c.arguments) {
    const bool many = argument.ends_with("...");
    const std::string name = argument_name(argument);
    if (many)
      all.add_options()(name.c_str(), po::value<std::vector<std::string>>());
    else
      all.add_options()(name.c_str(), po::value<std::string>());
    positional.add(name.c_str(), many ? -1 : 1);
  }
  po::variables_map values;
  const auto style = po::command_line_style::unix_style ^ po::command_line_style::allow_guessing;
  try {
    po::store(po::command_line_parser(words).options(all).positional(positional).style(style).run(), values);
    if (values.count("help") == 0) po::notify(values);  // checks that required options are present
  } catch (const po::unknown_option& e) {
    std::vector<std::string> known = option_names(c.options);
    for (const std::string& name : option_names(plugin_options(c))) known.push_back(name);
    throw UsageError(fmt::format("unknown option '{}'.{}", e.get_option_name(),
                                 suggestion(completed(e.get_option_name(), known), known)));
  } catch (const po::too_many_positional_options_error&) {
    throw UsageError(fmt::format("too many arguments. Usage: heed {} {}", c.name, c.synopsis));
  } catch (const po::error& e) {
    throw UsageError(fmt::format("{}. Usage: heed {} {}", e.what(), c.name, c.synopsis));
  }
  return values;
}

// Refuses empty words. An empty word usually comes from an unset shell variable; as a folder it would mean
// the current one.
void refuse_empty(const po::variables_map& values, const po::options_description& options) {
  for (const auto& [name, value] : values) {
    const po::option_description* option = options.find_nothrow(name, false);
    if (option && option->semantic()->max_tokens() == 0) continue;  // a switch
    const auto* one = boost::any_cast<std::string>(&value.value());
    const auto* many = boost::any_cast<std::vector<std::string>>(&value.value());
    if ((one && one->empty()) || (many && std::find(many->begin(), many->end(), "") != many->end()))
      throw UsageError(fmt::format("'{}' is empty.", name));
  }
}

int run(const std::vector<std::string>& words) {
  // `heed help run`, as git has it
  if (!words.empty() && words[0] == "help")
    return words.size() == 1 ? run({"--help"}) : run({words[1], "--help"});
  const std::vector<Command> commands = all_commands();
  // The first pass: options before the verb.
  std::size_t verb = 0;
  std::vector<std::string> plugins;
  for (; verb < words.size() && words[verb].starts_with('-'); ++verb) {
    if (words[verb] == "--plugin" && verb + 1 < words.size()) {
      plugins.push_back(words[++verb]);
      continue;
    }
    if (words[verb] == "--help" || words[verb] == "-h") return fmt::print("{}", help(commands)), kDone;
    if (words[verb] == "--version") return fmt::print("{}", version_text()), kDone;
    throw UsageError(fmt::format("unknown option '{}'.{}", words[verb],
                                 suggestion(words[verb], {"--help", "--plugin", "--version"})));
  }
  if (verb == words.size()) {
    fmt::print(stderr, "{}", help(commands));
    return kWrongCommandLine;
  }
  std::vector<std::string> names;
  for (const Command& c : commands) {
    if (!c.internal) names.push_back(c.name);
    if (c.name != words[verb]) continue;
    Input input{parse(c, {words.begin() + static_cast<std::ptrdiff_t>(verb) + 1, words.end()}),
                "heed " + shell_text(words)};
    if (input.has("help")) return fmt::print("{}", help(c)), kDone;
    for (std::size_t i = 0; i < c.required; ++i)
      if (const std::string name = argument_name(c.arguments[i]); !input.has(name))
        throw UsageError(fmt::format("'{}' is missing. Usage: heed {} {}", name, c.name, c.synopsis));
    po::options_description known;
    known.add(c.options).add(c.hidden_options);
    if (!c.internal) refuse_empty(input.options, known);
    for (const std::string& file : input.all("plugin")) plugins.push_back(file);
    Registry registry = registry_for(c, plugins);
    return c.run(input, registry);
  }
  throw UsageError(fmt::format("unknown verb '{}'.{}", words[verb], suggestion(words[verb], names)));
}

// Prints without fmt::print, which throws if standard error is on a full disk: nothing catches here.
int say(int code, const char* message) {
  std::fflush(stdout);
  std::fputs(message, stderr);
  std::fputc('\n', stderr);
  return code;
}
int say(int code, const std::string& message) { return say(code, abbreviated(message).c_str()); }

// Repairs what the parent process may have changed: opens closed standard streams, so that no file gets
// their descriptors, and restores SIGCHLD, so that children can be waited for.
void repair_environment() {
  int fd = 0;
  while ((fd = open("/dev/null", O_RDWR)) >= 0 && fd <= STDERR_FILENO) continue;
  if (fd >= 0) close(fd);
  std::signal(SIGCHLD, SIG_DFL);
}

// Returns the help that a wrong command line may need: of its verb, or of all.
std::string more_help(const std::vector<std::string>& words) {
  const std::vector<Command> commands = all_commands();
  for (const std::string& word : words)
    for (const Command& c : commands)
      if (c.name == word) return fmt::format("`heed {} --help` describes it.", word);
  return "`heed --help` lists the verbs.";
}

int guarded(const std::vector<std::string>& words) {
  try {
    const int code = run(words);
    // An earlier flush may have failed and left nothing to write.
    if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0)
      return say(kInputOutput, "heed: standard output cannot be written.");
    return code;
  } catch (const UsageError& e) {
    return say(kWrongCommandLine, fmt::format("heed: {}\n{}", e.what(), more_help(words)));
  } catch (const PluginError& e) {
    return say(kRefusedPlugin, fmt::format("heed: {}", e.what()));
  } catch (const Stopped& e) {
    return say(kStopped, std::string(e.what()));
  } catch (const ConfigError& e) {
    return say(kRefusedConfiguration, std::string(e.what()));
  } catch (const Error& e) {
    return say(kRefusedConfiguration, fmt::format("heed: {}", e.what()));
  } catch (const results::DamagedFile& e) {
    return say(kDamagedFile, fmt::format("heed: {}", e.what()));
  } catch (const results::IoError& e) {
    return say(kInputOutput, fmt::format("heed: {}", e.what()));
  } catch (const std::filesystem::filesystem_error& e) {
    return say(kInputOutput, fmt::format("heed: {}: {}", e.path1().string(), e.code().message()));
  } catch (const std::system_error& e) {  // fmt::print could not write to a stream
    return say(kInputOutput, fmt::format("heed: {}", e.what()));
  } catch (const std::bad_alloc&) {
    return say(
        kInputOutput,
        "heed: not enough memory. A shorter length, a smaller batch or a smaller model needs less; `heed "
        "plan` estimates it for a sweep.");
  } catch (const std::exception& e) {
    return say(kBug, fmt::format("heed: this is a bug in heed, please report it: {}", e.what()));
  }
}

}  // namespace
}  // namespace heed::cli

int main(int argc, char** argv) {
  // Loading a library built with -ffast-math makes the whole process flush denormal numbers to 0. Results
  // must not depend on the libraries that are loaded.
  std::fesetenv(FE_DFL_ENV);
  heed::cli::repair_environment();
  try {
    return heed::cli::guarded({argv + 1, argv + argc});
  } catch (const std::exception&) {  // no memory even for a message
    return heed::cli::say(heed::kInputOutput, "heed: not enough memory.");
  }
}
