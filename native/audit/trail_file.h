// trail.xml: the one append, and what to do where the file is not as it was left.
#pragma once

#include <cstdint>
#include <string_view>

#include "audit/rotation.h"
#include "audit/state.h"
#include "audit/xml.h"

namespace virtshim::audit {

// All methods but configure() are called under the record lock.
class TrailFile {
 public:
  void configure(const char *directory, bool groupReadable);  // `directory` must outlive the object

  struct Moment {
    int64_t nowNs;   // monotonic
    bool takenOver;  // the lock's last owner died inside
    bool answers;    // the response to this thread's last record
  };

  // Fills in sequence number and chain value and writes the line with one write(2). On failure nothing of it stays.
  bool append(SharedState *state, const Moment &moment, Buffer *buffer, const XmlLine &line, uint8_t chain[kSha256Size],
              OpenFailure *failure);

  // Puts the file aside and begins a new one; `name` is what it is called from now on, "" where it has no records yet.
  bool putAside(SharedState *state, const Moment &moment, char (&name)[kRotatedNameSize], OpenFailure *failure);

  bool timeToCheckPaths(int64_t nowNs);  // about once a second
  void checkPathsAgain() { nextCheckNs_ = 0; }
  bool stateWasReplaced(const FileId &id) const;

  void afterFork();
  void close();

 private:
  bool ready(SharedState *state, const Moment &moment, Position *at, OpenFailure *failure);
  bool isAsLeft(const Moment &moment, const Position &at);
  bool looksAsLeft(const Position &at) const;
  bool open(int64_t nowNs, FileStatus *status, OpenFailure *failure);
  bool beginNew(SharedState *state, int64_t nowNs, Position *at, char (&name)[kRotatedNameSize], OpenFailure *failure);
  void readRotation(int64_t nowNs);
  bool wasRotated();
  bool reconcile(SharedState *state, bool known, const FileStatus &status, Position *at, OpenFailure *failure);
  bool adopt(const FileStatus &status, Position *at);
  bool takeFromLastLine(const FileStatus &status, Position *at);
  void cutTo(uint64_t size);
  void pathOf(const char *name, char *out) const;

  const char *directory_ = "";
  bool groupReadable_ = false;
  int fd_ = -1;
  FileId id_{};
  uint64_t mark_ = 0;  // the descriptor's position, which nobody else's has; 0 where it could not be set
  int64_t nextCheckNs_ = 0;
  int64_t lookedNs_ = 0;          // when the file was last looked at in full
  int64_t seenNs_ = 0;            // when the descriptor was last seen to be our file
  uint64_t writtenSequence_ = 0;  // the last record of this process
  RotationDue due_;
  bool checkPath_ = false;
  bool tornTail_ = false;  // the file ends inside a line that cannot be cut: start on a new one
};

}  // namespace virtshim::audit
