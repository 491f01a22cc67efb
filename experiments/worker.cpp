#include "experiments/worker.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <new>
#include <sstream>

#include <fmt/format.h>

#include "core/plugin_host.h"
#include "experiments/provenance.h"
#include "results/shard.h"

namespace heed {
namespace {

using results::Record;

// Reports cost a system call each: five a second are enough for a person.
constexpr double kSecondsBetweenReports = 0.2;

void send(int fd, const std::string& line) {
  if (fd < 0) return;
  const std::string text = line + '\n';
  // A supervisor that is gone does not matter here: the file will tell. Short lines arrive whole.
  [[maybe_unused]] const ssize_t written = write(fd, text.data(), text.size());
}

void write_record(Record& record, const WorkerOptions& options) {
  const std::string created = record.provenance.created;
  record.provenance = provenance(options.command);
  if (!created.empty()) record.provenance.created = created;
  record.plan_index = options.plan_index;
  if (options.out.empty()) return;
  if (options.replace)
    results::replace_shard(record, options.out);
  else
    results::write_shard(record, options.out);
  std::string reason = record.reason;
  std::replace(reason.begin(), reason.end(), '\n', ' ');
  send(options.report_to, fmt::format("ended {} {}", results::to_string(record.status), reason));
}

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace

std::string to_line(const TrialProgress& p) {
  return fmt::format("step {} {} {:.5g} {:.5g} {:.3f}", p.step, p.steps, p.loss, p.accuracy, p.seconds);
}

WorkerReport read_report(const std::string& line) {
  WorkerReport report;
  std::istringstream in(line);
  std::string word, loss, accuracy;
  in >> word;
  if (word == "ended") {
    in >> report.ended >> std::ws;
    std::getline(in, report.reason);
  }
  TrialProgress p;
  // Numbers as text first: streams do not read "nan".
  if (word == "step" && in >> p.step >> p.steps >> loss >> accuracy >> p.seconds) {
    p.loss = std::strtod(loss.c_str(), nullptr);
    p.accuracy = std::strtod(accuracy.c_str(), nullptr);
    report.progress = p;
  }
  return report;
}

Record work(const WorkerOptions& options, Registry& registry) {
  TrialProgress last;
  const double begin = now();
  double reported = 0;
  const auto report = [&](const TrialProgress& p) {
    last = p;
    if (p.step < p.steps && now() - reported < kSecondsBetweenReports) return;
    reported = now();
    send(options.report_to, to_line(p));
  };
  const auto failed = [&](const std::string& reason) {
    return record_failure(options, {results::Status::failed, reason, last.step, now() - begin});
  };
  Record record;
  try {
    for (const PluginOrigin& plugin : options.trial.plugins) load_plugin(plugin, registry);
    record = run_trial(options.trial, registry, options.threads, report);
  } catch (const std::bad_alloc&) {
    return failed("out of memory");
  } catch (const std::exception& e) {
    return failed(e.what());
  } catch (...) {
    return failed("something was thrown that is no std::exception");
  }
  write_record(record, options);
  return record;
}

Record record_failure(const WorkerOptions& options, const Failure& failure) {
  Record record = empty_record(options.trial);
  record.status = failure.status;
  record.reason = failure.reason;
  record.last_step = failure.last_step;
  record.seconds = failure.seconds;
  write_record(record, options);
  return record;
}

}  // namespace heed
