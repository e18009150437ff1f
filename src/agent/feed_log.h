// FeedLog: what is known of one issuer's feed, on disk, so that a restarted verifier refuses what it refused before and
// goes on from there.
//
// The file is the feed itself, in the form in which it is sent (docs/revocation-feed.md): the last snapshot, the
// entries since with the heads that prove them, and perhaps one later head. It is read through the same Reader, by the
// same pinned key, so that nobody who can write it can make it say anything the issuer did not; a tail that was cut off
// or spoiled is left out, and overwritten.
//
// A snapshot replaces the file as a whole (a new one beside it, written as the entries come; fsync and rename once it
// is proved); entries are appended. Nothing waits for
// the disk but the snapshot: a loss of power costs the last seconds, which the issuer sends again.
// When the disk is full what could not be written waits, within pending_bytes_max; past that the file stays as it is, a
// true account of an earlier moment, until the next snapshot.
// Threads: one at a time.
#pragma once

#include "guard/feed/reader.h"
#include "platform/fault.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace jeton::agent {

struct FeedLogLimits {
  std::uint64_t file_bytes_max = 1024ULL * 1024 * 1024;
  std::size_t event_bytes_max = 4 * 1024 * 1024;
  std::size_t pending_bytes_max = 4 * 1024 * 1024;
  std::chrono::milliseconds head_interval{10'000};  // heads that prove nothing new are not written more often
};

// A snapshot that is not proved yet, in a file of its own.
struct ComingSnapshot {
  std::string path{};
  int file = -1;
  std::uint64_t bytes = 0;
  int failed = 0;
};

class FeedLog {
 public:
  FeedLog(std::string path, FeedLogLimits limits) : path_(std::move(path)), limits_(limits) {}
  ~FeedLog();
  FeedLog(const FeedLog&) = delete;
  FeedLog& operator=(const FeedLog&) = delete;

  // Reads the file through `reader` and hands over each thing proved, with the statement that proved it. False: there
  // was no file, or nothing of it could be proved.
  bool load(feed::Reader& reader, const std::function<void(feed::Proved, const std::string& statement)>& take);

  // A snapshot as it comes: begins it, writes some of its entries, forgets it. What cannot be written is told by keep.
  void begin_snapshot();
  void add_to_snapshot(std::span<const std::string> entry_lines) noexcept;
  void drop_snapshot() noexcept;
  // Leaves the file as it is, since another may have written it: nothing but a whole snapshot is kept after that.
  void abandon() noexcept;

  // Keeps what `statement` has proved; of a snapshot that is_staged, what was added. A Fault is to be logged, and
  // changes nothing else.
  platform::Outcome<void> keep(const feed::Proved& proved, const std::string& statement,
                               std::chrono::milliseconds monotonic);

  // Bytes of the last snapshot, and in all: what came later is mostly over after a while.
  std::uint64_t snapshot_bytes() const noexcept { return snapshot_bytes_; }
  std::uint64_t bytes() const noexcept { return good_bytes_; }

 private:
  platform::Outcome<void> end_snapshot(const std::string& statement);
  void write_to_snapshot(std::string_view text) noexcept;
  platform::Outcome<void> append(std::string text);
  platform::Outcome<void> put(std::string_view text);
  void close() noexcept;

  std::string path_;
  FeedLogLimits limits_;
  int file_ = -1;
  std::optional<ComingSnapshot> coming_{};
  std::uint64_t good_bytes_ = 0;  // proved up to here
  std::uint64_t snapshot_bytes_ = 0;
  std::string pending_{};
  std::optional<std::chrono::milliseconds> head_written_{};
};

}  // namespace jeton::agent
