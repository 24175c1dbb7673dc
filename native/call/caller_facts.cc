#include "call/caller_facts.h"

namespace virtshim {

policy::MaybeId CallerFacts::auid() {
  const bool known = once(&auidState_, [this] { return readAuid(&auid_); });
  return {known, known ? auid_ : kUnsetId};
}

policy::MaybeString CallerFacts::executable() {
  std::string_view path;
  const bool known = executablePath(&path);
  return {known, path};
}

policy::MaybeString CallerFacts::command() {
  if (!once(&commandState_, [this] { return readCommand(command_); })) return policy::kUnknownString;
  return {true, command_};
}

policy::MaybeString CallerFacts::terminal() {
  if (!once(&terminalState_, [this] { return readTerminal(terminal_); })) return policy::kUnknownString;
  return {true, terminal_};
}

policy::MaybeString CallerFacts::label() {
  const bool known = once(&labelState_, [this] {
    char text[kLabelSize];
    return readLabel(text) && label_.assign(text);
  });
  return {known, known ? label_.view() : std::string_view()};
}

}  // namespace virtshim
