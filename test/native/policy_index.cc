// What the index asks about a call, and when: a fact that nobody needed must not have been asked, because one that is
// not known makes the pipeline put off a refusal.
#include <cstdio>

#include "policy_seed.h"

using namespace virtshim;

namespace {

int g_failures = 0;

void expect(bool ok, const char *what) {
  if (ok) return;
  printf("FAIL %s\n", what);
  ++g_failures;
}

class CountingFacts final : public policy::CallFacts {
 public:
  int uids = 0, uris = 0, drivers = 0, names = 0, uuids = 0;
  bool known = true;
  ObjectKind kind = ObjectKind::Domain;
  std::string_view name = "other";
  std::string_view uri = "none";

  uint32_t uid() override { return ++uids, 1000; }
  bool inGroup(uint32_t) override { return true; }
  policy::MaybeString connectionUri() override { return ++uris, policy::MaybeString{known, uri}; }
  policy::MaybeString connectionDriver() override { return ++drivers, policy::MaybeString{known, "prod-x"}; }
  policy::Tri connectionReadOnly() override { return policy::Tri::Yes; }
  ObjectKind resourceKind() override { return kind; }
  policy::MaybeString resourceName() override { return ++names, policy::MaybeString{known, name}; }
  policy::MaybeString resourceUuid() override { return ++uuids, policy::MaybeString{known, "prod-uuid"}; }
};

class Decider {
 public:
  Decider() : image_(policy_test::Seed().build()) {
    expect(policy::Policy::load(policy_test::bytesOf(image_), image_.size() * 8, &policy_) == policy::ImageError::Ok,
           "the seed is a good image");
  }

  // The id of the rule that decided, "" for none.
  std::string_view ask(CountingFacts *facts) {
    ArgSlot slots[kMaxArgs] = {};
    return policy_.ruleId(policy_.decide({findFunction("virDomainSuspend"), slots, facts, false}).rule);
  }

 private:
  policy_test::Image image_;
  policy::Policy policy_;
};

void testEarlierRuleDecides(Decider *decider) {
  CountingFacts facts;
  facts.name = "guest";
  expect(decider->ask(&facts) == "named", "the name leads to the first rule");
  expect(facts.names > 0, "its name was asked");
  expect(facts.uris + facts.drivers + facts.uids == 0, "nothing that only later rules need was asked");
}

void testLaterRules(Decider *decider) {
  CountingFacts facts;
  facts.uri = "prod-9";
  expect(decider->ask(&facts) == "rest", "the prefix of the uri leads to the second rule");
  expect(facts.names > 0 && facts.uris > 0 && facts.uids > 0, "each fact with rules was asked");
}

void testUnknown(Decider *decider) {
  CountingFacts facts;
  facts.known = false;
  expect(decider->ask(&facts) == "named", "a name that is not known may be any");
  expect(facts.uris == 0, "the first rule decided");
  facts.kind = ObjectKind::Connect;
  facts.names = 0;
  expect(decider->ask(&facts) == "", "a kind without names matches no rule on names, unknown or not");
  expect(facts.names == 0, "a kind without names is not asked for one");
}

void testSuffix(Decider *decider) {
  CountingFacts facts;
  facts.name = "db-x-?x";
  expect(decider->ask(&facts) == "named", "the suffix of the name leads to the first rule");
}

}  // namespace

int main() {
  Decider decider;
  testEarlierRuleDecides(&decider);
  testLaterRules(&decider);
  testUnknown(&decider);
  testSuffix(&decider);
  if (g_failures == 0) printf("ok\n");
  return g_failures == 0 ? 0 : 1;
}
