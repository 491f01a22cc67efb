#include "core/thread_ranks.h"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "core/error.h"

namespace heed {
namespace {

using Message = std::vector<std::byte>;

// What the threads share: a queue of messages for each pair of ranks, and who has ended.
class Mailboxes {
 public:
  Mailboxes(int ranks, std::chrono::milliseconds limit)
      : ranks_(ranks),
        limit_(limit),
        queues_(static_cast<std::size_t>(Index(ranks) * ranks)),
        ended_(static_cast<std::size_t>(ranks)) {}

  int ranks() const { return ranks_; }

  void put(int from, int to, std::span<const std::byte> bytes) {
    const std::scoped_lock lock(mutex_);
    throw_if_failed();
    queue(from, to).emplace_back(bytes.begin(), bytes.end());
    changed_.notify_all();
  }

  void take(int from, int to, std::span<std::byte> bytes) {
    std::unique_lock lock(mutex_);
    const auto ready = [&] { return failure_ || !queue(from, to).empty() || has_ended(from); };
    const bool in_time = changed_.wait_for(lock, limit_, ready);
    throw_if_failed();
    if (!in_time) throw Error(fmt::format("rank {} has waited {} ms for rank {}.", to, limit_.count(), from));
    if (queue(from, to).empty())
      throw Error(fmt::format("rank {} ended while rank {} waits for it.", from, to));
    const Message message = std::move(queue(from, to).front());
    queue(from, to).pop_front();
    if (message.size() != bytes.size())
      throw Error(fmt::format("rank {} sends {} bytes where rank {} expects {}.", from, message.size(), to,
                              bytes.size()));
    std::ranges::copy(message, bytes.begin());
  }

  void end(int rank, std::exception_ptr failure) {
    const std::scoped_lock lock(mutex_);
    ended_[static_cast<std::size_t>(rank)] = true;
    if (failure && !failure_) failure_ = std::move(failure), failed_rank_ = rank;
    changed_.notify_all();
  }

  std::exception_ptr failure() const { return failure_; }  // Requires: all have ended

 private:
  std::deque<Message>& queue(int from, int to) {
    return queues_[static_cast<std::size_t>(Index(from) * ranks_ + to)];
  }
  bool has_ended(int rank) const { return ended_[static_cast<std::size_t>(rank)]; }
  void throw_if_failed() const {
    if (failure_) throw Error(fmt::format("rank {} is lost.", failed_rank_));
  }

  const int ranks_;
  const std::chrono::milliseconds limit_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::deque<Message>> queues_;
  std::vector<bool> ended_;
  std::exception_ptr failure_;  // the first one
  int failed_rank_ = 0;
};

class ThreadRank final : public Communicator {
 public:
  ThreadRank(Mailboxes& mailboxes, int rank) : mailboxes_(mailboxes), rank_(rank) {}
  int rank() const override { return rank_; }
  int size() const override { return mailboxes_.ranks(); }

 private:
  void transfer(int to, std::span<const std::byte> out, int from, std::span<std::byte> in) override {
    if (to != kNone) mailboxes_.put(rank_, to, out);
    if (from != kNone) mailboxes_.take(from, rank_, in);
  }

  Mailboxes& mailboxes_;
  const int rank_;
};

}  // namespace

void run_ranks(int ranks, const std::function<void(Communicator&)>& task, std::chrono::milliseconds limit) {
  Mailboxes mailboxes(ranks, limit);
  std::vector<std::thread> threads;
  for (int rank = 0; rank < ranks; ++rank)
    threads.emplace_back([&, rank] {
      std::exception_ptr failure;
      try {
        ThreadRank communicator(mailboxes, rank);
        task(communicator);
      } catch (...) {
        failure = std::current_exception();
      }
      mailboxes.end(rank, std::move(failure));
    });
  for (std::thread& thread : threads) thread.join();
  if (mailboxes.failure()) std::rethrow_exception(mailboxes.failure());
}

}  // namespace heed
