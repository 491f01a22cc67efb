// Atomic files: complete or absent. A kill, a full disk or a power loss at any instant leaves at most a
// temporary file `<path>.tmp.<host>.<pid>`, which is never read as a result, and which `remove_leftovers`
// removes.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace heed::results {

enum class IfExists { keep, replace };

// Writes `bytes` to a temporary file beside `path`, synchronizes it, renames it atomically and synchronizes
// the folder. With `keep` an existing file is not changed, and the function returns false. Throws: IoError
// if the system fails; the temporary file is then removed. Several processes may call it for one path at
// the same time.
bool write_file(const std::filesystem::path& path, std::span<const std::byte> bytes, IfExists if_exists);
// Writes a text in the same way, and replaces an existing file.
void write_text(const std::filesystem::path& path, const std::string& text);

// Removes the temporary files of killed processes in `folder`: files whose name is `ours` and whose lock
// nobody holds (write_file holds a lock while it writes). Files of another host must also be one hour old,
// because not every file system shares locks between hosts. Returns the number of removed files; files that
// cannot be read or removed stay. Any number of processes may call it at any time, also while others write.
std::size_t remove_leftovers(
    const std::filesystem::path& folder,
    const std::function<bool(const std::string& name)>& ours = [](const std::string&) { return true; });

// Return the whole file, and at most its last `size` bytes. Throw: IoError.
std::vector<std::byte> read_file(const std::filesystem::path& path);
std::string read_text(const std::filesystem::path& path);
std::vector<std::byte> read_end(const std::filesystem::path& path, std::size_t size);

}  // namespace heed::results
