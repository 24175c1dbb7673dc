#include "policy/monitor_command.h"

namespace virtshim::policy {

namespace {

constexpr auto kEnd = std::string_view::npos;
constexpr MonitorCommands kUnknown = {false, 0, {}};
constexpr std::string_view kHuman = "human-monitor-command";
constexpr uint64_t kHmpFlag = 1;  // VIR_DOMAIN_QEMU_MONITOR_COMMAND_HMP
constexpr int kMaxDepth = 64;

// The second names that qemu's monitor for people has for some commands.
struct Alias {
  std::string_view name;
  std::string_view command;
};
constexpr Alias kAliases[] = {{"q", "quit"}, {"s", "stop"}, {"c", "cont"}, {"p", "print"}, {"?", "help"}};

bool isSpace(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

bool isPrintable(std::string_view text) {
  for (const char c : text) {
    if (c <= ' ' || c > '~') return false;
  }
  return !text.empty();
}

MonitorCommands only(std::string_view name) {
  return isPrintable(name) ? MonitorCommands{true, 1, {name, {}}} : kUnknown;
}

// qemu ends the name at white space or at a '/', which begins the format of `x/4xw`.
MonitorCommands human(std::string_view line) {
  size_t begin = 0;
  while (begin < line.size() && isSpace(line[begin])) ++begin;
  size_t end = begin;
  while (end < line.size() && !isSpace(line[end]) && line[end] != '/') ++end;
  std::string_view name = line.substr(begin, end - begin);
  if (!isPrintable(name) || name.find('\\') != kEnd) return kUnknown;
  for (const Alias &alias : kAliases) {
    if (name == alias.name) name = alias.command;
  }
  return {true, 2, {name, kHuman}};
}

// Goes through a JSON text (RFC 8259) from the left. Every step says whether what it expected was there.
class Json {
 public:
  explicit Json(std::string_view text) : rest_(text) {}

  bool atEnd() {
    skipSpace();
    return rest_.empty();
  }

  bool take(char c) {
    skipSpace();
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }

  // A string, escapes and all.
  bool takeString(std::string_view *out) {
    if (!take('"')) return false;
    for (size_t i = 0; i < rest_.size(); ++i) {
      if (static_cast<unsigned char>(rest_[i]) < ' ') return false;
      if (rest_[i] == '\\') {
        ++i;
      } else if (rest_[i] == '"') {
        *out = rest_.substr(0, i);
        rest_.remove_prefix(i + 1);
        return true;
      }
    }
    return false;
  }

  // A name or key that means what it looks like.
  bool takePlain(std::string_view *out) { return takeString(out) && out->find('\\') == kEnd; }

  // Any value, as far as its extent goes.
  bool skipValue() {
    char closers[kMaxDepth];
    int depth = 0;
    do {
      std::string_view text;
      skipSpace();
      if (rest_.empty()) return false;
      const char c = rest_.front();
      if (c == '{' || c == '[') {
        if (depth == kMaxDepth) return false;
        closers[depth++] = c == '{' ? '}' : ']';
        take(c);
      } else if (c == '}' || c == ']') {
        if (depth == 0 || closers[--depth] != c) return false;
        take(c);
      } else if (c == '"') {
        if (!takeString(&text)) return false;
      } else if ((c == ',' || c == ':') && depth > 0) {
        take(c);
      } else if (!skipWord()) {
        return false;
      }
    } while (depth > 0);
    return true;
  }

 private:
  void skipSpace() {
    while (!rest_.empty() &&
           (rest_.front() == ' ' || rest_.front() == '\t' || rest_.front() == '\n' || rest_.front() == '\r')) {
      rest_.remove_prefix(1);
    }
  }

  // A number, true, false or null.
  bool skipWord() {
    size_t size = 0;
    while (size < rest_.size() && isWordByte(rest_[size])) ++size;
    rest_.remove_prefix(size);
    return size > 0;
  }

  static bool isWordByte(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '-' || c == '+' || c == '.' || c == 'E';
  }

  std::string_view rest_;
};

// Calls `member(key)`, which takes the value, for every member of an object.
template <typename Member>
bool readObject(Json *json, Member member) {
  if (!json->take('{')) return false;
  if (json->take('}')) return true;
  std::string_view key;
  do {
    if (!json->takePlain(&key) || !json->take(':') || !member(key)) return false;
  } while (json->take(','));
  return json->take('}');
}

struct Order {
  std::string_view command, line;
  bool hasCommand = false, hasArguments = false, hasLine = false;
};

bool first(bool *seen) {
  if (*seen) return false;
  return *seen = true;
}

bool readArguments(Json *json, Order *order) {
  return readObject(json, [&](std::string_view key) {
    if (key != "command-line") return json->skipValue();
    return first(&order->hasLine) && json->takeString(&order->line);
  });
}

// Other parsers may take the members of the object that this one passes over for something else, but not for another
// command: the keys at the top are all read.
MonitorCommands qmp(std::string_view text) {
  Json json(text);
  Order order;
  const bool read = readObject(&json, [&](std::string_view key) {
    if (key == "execute" || key == "exec-oob") return first(&order.hasCommand) && json.takePlain(&order.command);
    if (key != "arguments") return json.skipValue();
    if (!first(&order.hasArguments)) return false;
    Json arguments = json;
    if (readArguments(&arguments, &order)) {
      json = arguments;
      return true;
    }
    order.hasLine = false;
    return json.skipValue();
  });
  if (!read || !json.atEnd() || !order.hasCommand) return kUnknown;
  if (order.command != kHuman) return only(order.command);
  return order.hasLine ? human(order.line) : kUnknown;
}

}  // namespace

MonitorCommands monitorCommandsOf(FunctionId function, const ArgSlot *args) {
  const bool monitor = function == FunctionId::virDomainQemuMonitorCommand ||
                       function == FunctionId::virDomainQemuMonitorCommandWithFiles;
  if (!monitor && function != FunctionId::virDomainQemuAgentCommand) return {true, 0, {}};
  const FunctionFacts &about = facts(function);
  const auto *text = static_cast<const char *>(args[1].p);
  if (text == nullptr) return kUnknown;
  const bool hmp = monitor && (args[about.flagsArg].u & kHmpFlag) != 0;
  return hmp ? human(text) : qmp(text);
}

}  // namespace virtshim::policy
