// No secret in a record: what must go, what must stay, and that the same secret gives the same digest.
#include "audit/redact.h"

#include "audit/xml.h"
#include "audit_check.h"
#include "audit_events.h"

using namespace virtshim;
using namespace virtshim::audit;
using namespace virtshim::test;

namespace {

constexpr SecretKey kKey = {{1, 2, 3}, true};

std::string redacted(std::string_view text, TextKind kind) {
  Buffer scratch, more;
  Redactor redactor(kKey, &scratch, &more);
  return std::string(redactor.redacted(text, kind));
}

// `S3CRET` must be gone, `keep` still there.
void hides(std::string_view text, TextKind kind, std::string_view keep = "") {
  std::string result = redacted(text, kind);
  expect(!contains(result, "S3CRET"), "hidden in: " + std::string(text) + "\n  got " + result);
  expect(contains(result, "hmac:"), "digest in: " + result);
  expect(contains(result, keep), "kept `" + std::string(keep) + "` in: " + result);
}

void keeps(std::string_view text, TextKind kind) { expectEqual(redacted(text, kind), text, "unchanged"); }

void xmlDocuments() {
  hides("<graphics type='vnc' passwd='S3CRET' port='-1'/>", TextKind::Xml, "port='-1'");
  hides("<graphics type=\"vnc\" passwd = \"S3CRET\"/>", TextKind::Xml, "/>");
  hides("<graphics type='vnc' passwd='S3CRET", TextKind::Xml);
  hides("<graphics x:passwd='S3CRET'/>", TextKind::Xml);
  hides("<graphics PASSWD='S3CRET'/>", TextKind::Xml);
  hides("<auth type='chap' login='me' passwd='S3CRET'/>", TextKind::Xml, "login='me'");
  hides("<cookies><cookie name='a'>S3CRET</cookie></cookies>", TextKind::Xml, "name='a'");
  hides("<cookie name='a'><![CDATA[S3CRET]]></cookie>", TextKind::Xml);
  hides("<d><!-- password=S3CRET --></d>", TextKind::Xml, "-->");
  hides("<qemu:arg value='secret,id=s0,data=S3CRET'/>", TextKind::Xml);
  hides("<qemu:arg value='{&quot;qom-type&quot;:&quot;secret&quot;,&quot;data&quot;:&quot;S3CRET&quot;}'/>",
        TextKind::Xml);
  hides("<q:arg value='-x&#112;ass=S3CRET'/>", TextKind::Xml);
  hides("<qemu:env name='VNC_PASSWORD' value='S3CRET'/>", TextKind::Xml);
  hides("<qemu:env value='S3CRET' name='VNC_PASSWORD'/>", TextKind::Xml);
  hides("<!DOCTYPE d [<!ENTITY p 'S3CRET'>]><d a='&p;'/>", TextKind::Xml, "<d a=");
  hides("<?xml version='1.0' encoding='UTF-7'?><d>S3CRET</d>", TextKind::Xml);
  hides("+ADw-d+AD4-S3CRET", TextKind::Xml);
  keeps("<?xml version=\"1.0\" encoding=\"UTF-8\"?><d/>", TextKind::Xml);
  keeps("<domain type='test'><name>pass</name><memory>8192</memory></domain>", TextKind::Xml);
  keeps("<secret ephemeral='no' private='yes'><usage type='volume'><volume>/x</volume></usage></secret>",
        TextKind::Xml);
  keeps("<disk><source file='/a&amp;b'/><encryption><secret type='passphrase' uuid='1'/></encryption></disk>",
        TextKind::Xml);
}

void commands() {
  hides("{\"execute\":\"set_password\",\"arguments\":{\"protocol\":\"vnc\",\"password\":\"S3CRET\"}}",
        TextKind::Command, "\"protocol\":\"vnc\"");
  hides("{\"execute\":\"x\",\"arguments\":{\"pass\\u0077ord\":\"S3CRET\"}}", TextKind::Command);
  hides("{\"execute\":\"object-add\",\"arguments\":{\"qom-type\":\"secret\",\"data\":\"S3CRET\"}}", TextKind::Command);
  hides("{\"password\":\"a\\\"S3CRET\"}", TextKind::Command);
  hides("{\"key\": [\"S3CRET\", \"S3CRET\"]}", TextKind::Command);
  hides("set_password vnc S3CRET", TextKind::Command, "set_password vnc ");
  hides("change vnc password S3CRET", TextKind::Command, "change vnc password ");
  hides("object_add secret,id=sec0,data=S3CRET", TextKind::Command, "id=sec0");
  hides("qemu -spice port=1,password=S3CRET,,S3CRET -m 1", TextKind::Command, "-m 1");
  keeps("info status", TextKind::Command);
  keeps("{\"execute\":\"query-status\"}", TextKind::Command);
}

void addresses() {
  hides("esx://root:S3CRET@host/?no_verify=1", TextKind::Plain, "esx://root:");
  hides("esx://root:S3CRET@S3CRET@host/", TextKind::Plain, "@host/");
  hides("xx://host/?password=S3CRET&a=b", TextKind::Plain, "&a=b");
  keeps("qemu+ssh://root@host/system?keyfile=/root/k", TextKind::Plain);
  keeps("test:///default", TextKind::Plain);
  keeps("http://host:80/a@b", TextKind::Plain);
}

void digests() {
  Buffer scratch, more, one, two, other;
  Redactor redactor(kKey, &scratch, &more);
  redactor.appendDigest(&one, "a");
  redactor.appendDigest(&two, "a");
  redactor.appendDigest(&other, "b");
  expect(one.view() == two.view() && one.view() != other.view(), "digests compare");
  expect(one.view().size() == 21, "length tells nothing");
  SecretKey unknown{};
  Redactor blind(unknown, &scratch, &more);
  Buffer none;
  blind.appendDigest(&none, "a");
  expectEqual(none.view(), "hmac:unavailable", "without a key");
}

void messages() {
  Buffer scratch, more;
  Redactor redactor(kKey, &scratch, &more);
  redactor.redacted("<graphics passwd='S3CRET' x=></graphics>", TextKind::Xml);
  std::string text(redactor.redactedMessage("(domain_definition):1: bad S3CRET\n<graphics passwd='S3CR\n---^"));
  expect(!contains(text, "S3CR"), "a quoted piece of a secret: " + text);
  expect(contains(text, "(domain_definition):1: bad "), "the message stays: " + text);
  Redactor clean(kKey, &scratch, &more);
  expectEqual(clean.redactedMessage("Domain not found:\nline two"), "Domain not found:\nline two", "others stay whole");
}

std::string record(const char *function, const ArgSlot *args) {
  Buffer scratch, more, out;
  Redactor redactor(kKey, &scratch, &more);
  LineCache cache;
  XmlLine line;
  Event event = domainEvent(function, Phase::Response, "test", args);
  event.error = {true, 1, 10, "said S3CRET"};
  expect(writeXmlLine(event, &redactor, &cache, &out, &line), "memory");
  return std::string(placeSequence(&out, line, 1));
}

struct TypedParameter {
  char field[80];
  int type;
  union {
    const char *s;
    unsigned long long ul;
  } value;
};

void wholeRecords() {
  static char object;
  ArgSlot password[4];
  password[0].p = &object;
  password[1].p = "root";
  password[2].p = "S3CRET";
  password[3].u = 0;
  std::string text = record("virDomainSetUserPassword", password);
  expect(!contains(text, "S3CRET") && contains(text, "<password redacted=\"1\">hmac:"), "password: " + text);
  expect(contains(text, "<user>root</user>"), "the user stays: " + text);

  ArgSlot value[4];
  value[0].p = &object;
  value[1].p = "S3CRET";
  value[2].u = 6;
  value[3].u = 0;
  text = record("virSecretSetValue", value);
  expect(!contains(text, "S3CRET") && contains(text, "<value redacted=\"1\">hmac:"), "secret value: " + text);

  TypedParameter params[2] = {{"sev-secret", 7, {"S3CRET"}}, {"sev-secret-set-address", 4, {nullptr}}};
  params[1].value.ul = 77;
  ArgSlot state[4];
  state[0].p = &object;
  state[1].p = params;
  state[2].u = 2;
  state[3].u = 0;
  text = record("virDomainSetLaunchSecurityState", state);
  expect(!contains(text, "S3CRET") && contains(text, "<field name=\"sev-secret\" type=\"string\">hmac:"),
         "typed: " + text);
  expect(contains(text, "<field name=\"sev-secret-set-address\" type=\"ullong\">77</field>"), "numbers stay: " + text);
}

// Nothing may crash or run away on text that is cut at any place.
void truncations() {
  std::string_view text =
      "<!DOCTYPE d [<!ENTITY p 's'>]><qemu:env name='PASS' value=\"x\"/><cookie>a</cookie>esx://u:p@h {\"key\": [1]}";
  for (size_t end = 0; end <= text.size(); end++)
    for (TextKind kind : {TextKind::Plain, TextKind::Xml, TextKind::Command}) redacted(text.substr(0, end), kind);
}

}  // namespace

int main() {
  xmlDocuments();
  commands();
  addresses();
  digests();
  messages();
  wholeRecords();
  truncations();
  return finish();
}
