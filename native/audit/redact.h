// Secrets never reach a record: each is replaced by a digest under a key that only the trail's owner can read, so that
// two records can be compared without telling what was in them.
#pragma once

#include <cstdint>
#include <string_view>

#include "audit/buffer.h"

namespace virtshim::audit {

struct SecretKey {
  uint8_t bytes[32];
  bool known;
};

enum class TextKind : uint8_t {
  Plain,    // names, URIs, error messages
  Xml,      // an XML document: also hidden where its encoding cannot be read
  Command,  // monitor and agent commands, command lines: more words count as names of secrets
};

// One per record. Remembers the secrets that it met, so that an error message that repeats one can be cleaned.
class Redactor {
 public:
  // `scratch` holds the text that redacted() returned last; `more` is for its own use.
  Redactor(const SecretKey &key, Buffer *scratch, Buffer *more) : key_(key), scratch_(scratch), more_(more) {}

  // Appends "hmac:<16 hex digits>". The view must stay valid as long as the redactor is used.
  void appendDigest(Buffer *out, std::string_view secret);

  // The text without its secrets: `text` itself where it has none. Valid until the next call.
  std::string_view redacted(std::string_view text, TextKind kind);

  // How many secrets were replaced so far.
  int secretsMet() const { return met_; }

  // For libvirt's error messages, after all arguments went through: they may quote an argument, or a part of one.
  std::string_view redactedMessage(std::string_view message);

 private:
  void remember(std::string_view secret);
  std::string_view withoutRemembered(std::string_view message);

  // Without a constructor: half a kilobyte that nearly no record needs.
  struct Remembered {
    const char *data;
    size_t size;
    std::string_view view() const { return {data, size}; }
  };

  static constexpr int kMaxRemembered = 32;
  const SecretKey &key_;
  Buffer *scratch_;
  Buffer *more_;
  int count_ = 0;
  int met_ = 0;
  Remembered remembered_[kMaxRemembered];
};

// True for names such as passwd, sev-secret, vnc_password: their values are secrets.
bool namesSecret(std::string_view name);

}  // namespace virtshim::audit
