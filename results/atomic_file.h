// Files that are either not there or whole. A kill, a full disk or a power loss at any instant leaves at most
// a temporary file `<path>.tmp.<host>.<pid>`, which nobody takes for a result and `remove_leftovers` removes.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace heed::results {

enum class IfExists { keep, replace };

// Writes `bytes` to a temporary file beside `path`, fsyncs it, gives it its name in one step and fsyncs the
// folder. With `keep` an existing file is never touched: the answer is false, and nothing is left behind.
// Throws IoError when the machine refuses; the temporary is removed then. Several processes may call it on
// one path at once.
bool write_file(const std::filesystem::path& path, std::span<const std::byte> bytes, IfExists if_exists);

// Removes the temporary files in `folder` whose process was killed: those that nobody holds the lock of which
// write_file keeps on its own, of files that are `ours` by their name. Those of another host must be an hour
// old besides, as not every file system shares locks between hosts. Answers how many; what cannot be looked
// at or removed stays. Any number of processes may call it at any time, also while others write.
std::size_t remove_leftovers(
    const std::filesystem::path& folder,
    const std::function<bool(const std::string& name)>& ours = [](const std::string&) { return true; });

// The whole file, and at most its last `size` bytes. Throw IoError.
std::vector<std::byte> read_file(const std::filesystem::path& path);
std::vector<std::byte> read_end(const std::filesystem::path& path, std::size_t size);

}  // namespace heed::results
