#include "policy/conditions.h"

#include "policy/compare.h"
#include "policy/parameter_match.h"
#include "policy/time_window.h"

namespace virtshim::policy {

namespace {

using namespace image;

class TestedValues final : public XmlValues {
 public:
  TestedValues(const View &view, const XmlTest &test) : view_(view), test_(test) {}

  void number(int64_t value) override {
    tally_.count(!isText() && compareNumber(test_, Wide{value}, static_cast<uint64_t>(value)));
  }
  void text(std::string_view value) override { tally_.count(isText() && compareText(view_, test_, value)); }
  const Tally &tally() const { return tally_; }

 private:
  bool isText() const { return test_.operand == Operand::Glob; }

  const View &view_;
  const XmlTest &test_;
  Tally tally_;
};

// Where there is no XML, nothing is said about it, negated or not.
Tri matchesXmlFact(const View &view, const Condition &condition, CallFacts *facts) {
  const Tri present = facts->xml();
  if (present != Tri::Yes) return present;
  const XmlTest &test = view.xmlTests[condition.first];
  TestedValues values(view, test);
  if (!facts->xmlValues(test.fact, &values)) return Tri::Unknown;
  return values.tally().result(condition.negated);
}

Tri matchesXPath(const View &view, const Condition &condition, CallFacts *facts) {
  const Tri present = facts->xml();
  if (present != Tri::Yes) return present;
  const Tri answer = facts->xpath(view.strings + condition.first);
  return condition.negated ? negate(answer) : answer;
}

Tri matchesTime(const View &view, Range windows, MaybeTime now) {
  if (!now.known) return Tri::Unknown;
  for (uint32_t i = 0; i < windows.count; ++i) {
    if (withinWindow(view, view.windows[windows.first + i], now.seconds)) return Tri::Yes;
  }
  return Tri::No;
}

Tri matchesMonitor(const View &view, const Condition &condition, const MonitorCommands &commands) {
  if (!commands.known) return Tri::Unknown;
  Tally tally;
  for (int i = 0; i < commands.count; ++i) {
    tally.count(anyGlob(view, {condition.first, condition.count}, {true, commands.names[i]}) == Tri::Yes);
  }
  return tally.result(condition.negated);
}

Tri hasReason(MaybeString reason) { return reason.known ? toTri(!reason.value.empty()) : Tri::Unknown; }

Tri positive(const View &view, const Condition &condition, const Request &request) {
  CallFacts *facts = request.facts;
  const Range range = {condition.first, condition.count};
  switch (condition.kind) {
    case ConditionKind::Kinds: return toTri(matchesKind(condition.first, facts->resourceKind()));
    case ConditionKind::Argument: return toTri(argumentMatches(view, view.arguments[condition.first], request));
    case ConditionKind::Uids: return toTri(containsId(view, range, facts->uid()));
    case ConditionKind::Gids: return inAnyGroup(view, range, facts);
    case ConditionKind::Auids: {
      const MaybeId auid = facts->auid();
      return auid.known ? toTri(containsId(view, range, auid.value)) : Tri::Unknown;
    }
    case ConditionKind::ReadOnly:
      return matchesReadOnly(static_cast<ReadOnly>(condition.first), facts->connectionReadOnly());
    case ConditionKind::Time: return matchesTime(view, range, facts->realtime());
    case ConditionKind::Reason: return hasReason(facts->reason());
    case ConditionKind::Rate: return facts->rateReached(view.rates[condition.first]);
    case ConditionKind::Names:
      if (!hasName(judgedKind(facts->resourceKind()))) return Tri::No;
      break;
    case ConditionKind::Uuids:
      if (!hasUuid(facts->resourceKind())) return Tri::No;
      break;
    default: break;
  }
  return anyGlob(view, range, textOf(condition.kind, facts));
}

Fact factOf(ConditionKind kind) {
  switch (kind) {
    case ConditionKind::Executables: return Fact::Executable;
    case ConditionKind::Commands: return Fact::Command;
    case ConditionKind::Terminals: return Fact::Terminal;
    case ConditionKind::Labels: return Fact::Label;
    case ConditionKind::Actors: return Fact::Actor;
    case ConditionKind::Transports: return Fact::Transport;
    case ConditionKind::Hosts: return Fact::Host;
    default: return Fact::Argument;  // whose candidates name no glob; and a command may have several names
  }
}

}  // namespace

bool containsId(const View &view, Range range, uint32_t wanted) {
  uint32_t low = range.first;
  uint32_t high = range.first + range.count;
  while (low < high) {
    const uint32_t middle = low + (high - low) / 2;
    if (view.ids[middle] == wanted) return true;
    if (view.ids[middle] < wanted) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return false;
}

MaybeString textOf(ConditionKind kind, CallFacts *facts) {
  switch (kind) {
    case ConditionKind::Names: return facts->resourceName();
    case ConditionKind::Uuids: return facts->resourceUuid();
    case ConditionKind::Drivers: return facts->connectionDriver();
    case ConditionKind::Uris: return facts->connectionUri();
    case ConditionKind::Executables: return facts->executable();
    case ConditionKind::Commands: return facts->command();
    case ConditionKind::Terminals: return facts->terminal();
    case ConditionKind::Labels: return facts->label();
    case ConditionKind::Actors: return facts->actor();
    case ConditionKind::Transports: return facts->connectionTransport();
    case ConditionKind::Hosts: return facts->connectionHost();
    case ConditionKind::Monitor: {
      const MonitorCommands commands = facts->monitorCommands();
      return {commands.known, commands.count > 0 ? commands.names[0] : std::string_view()};
    }
    case ConditionKind::Reason: return facts->reason();
    default: return kUnknownString;
  }
}

Tri evaluateFor(const View &view, const Candidate &candidate, const Condition &condition, const Request &request) {
  const bool single = candidate.glob != kNone && !condition.negated && candidate.fact == factOf(condition.kind);
  if (!single) return evaluateCondition(view, condition, request);
  const MaybeString text = textOf(condition.kind, request.facts);
  return text.known ? toTri(globMatches(view, candidate.glob, text.value)) : Tri::Unknown;
}

Tri evaluateCondition(const View &view, const Condition &condition, const Request &request) {
  if (condition.kind == ConditionKind::XmlFact) return matchesXmlFact(view, condition, request.facts);
  if (condition.kind == ConditionKind::XPath) return matchesXPath(view, condition, request.facts);
  if (condition.kind == ConditionKind::Parameter) {
    return parameterMatches(view, view.parameters[condition.first], condition.negated != 0, request);
  }
  if (condition.kind == ConditionKind::Monitor) {
    return matchesMonitor(view, condition, request.facts->monitorCommands());
  }
  const Tri answer = positive(view, condition, request);
  return condition.negated ? negate(answer) : answer;
}

}  // namespace virtshim::policy
