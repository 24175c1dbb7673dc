#include "call/object_xml.h"

#include "sys/starts_with.h"

namespace virtshim {
namespace {

constexpr auto kEnd = std::string_view::npos;

// One piece of markup, or the text up to the next one.
struct Token {
  enum Kind { Text, Open, Close, Empty, Skipped, Bad } kind;
  std::string_view value;  // element name, or text
  std::string_view attributes = {};

  // An attribute may be a namespace, and libvirt passes over elements of other namespaces.
  bool isPlain() const { return kind == Open && attributes.empty(); }
};

// Consumes a piece of markup that begins with `begin`, up to and including `end`. The end comes after the begin:
// `<!-->` opens a comment and does not close it.
bool skipPast(std::string_view *rest, std::string_view begin, std::string_view end) {
  size_t at = rest->find(end, begin.size());
  if (at == kEnd) return false;
  rest->remove_prefix(at + end.size());
  return true;
}

// A '>' inside a quoted attribute value does not end the tag.
size_t tagEnd(std::string_view rest) {
  char quote = 0;
  for (size_t i = 0; i < rest.size(); i++) {
    char c = rest[i];
    if (quote) {
      if (c == quote) quote = 0;
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (c == '>') {
      return i;
    }
  }
  return kEnd;
}

Token readTag(std::string_view *rest) {
  size_t end = tagEnd(*rest);
  if (end == kEnd) return {Token::Bad, {}};
  std::string_view tag = rest->substr(1, end - 1);
  rest->remove_prefix(end + 1);
  bool closing = startsWith(tag, "/");
  bool empty = !tag.empty() && tag.back() == '/';
  if (closing) tag.remove_prefix(1);
  size_t nameEnd = tag.find_first_of(" \t\r\n/");
  std::string_view name = tag.substr(0, nameEnd);
  if (name.empty()) return {Token::Bad, {}};
  return {closing ? Token::Close : empty ? Token::Empty : Token::Open, name, tag.substr(name.size())};
}

// Only UTF-8 and its subsets read the same to everybody.
bool isPlainDeclaration(std::string_view declaration) {
  size_t at = declaration.find("encoding");
  if (at == kEnd) return true;
  for (std::string_view name : {"UTF-8", "utf-8", "US-ASCII", "us-ascii"}) {
    size_t found = declaration.find(name, at);
    if (found != kEnd) return true;
  }
  return false;
}

Token next(std::string_view *rest) {
  if (rest->front() != '<') {
    size_t end = rest->find('<');
    Token token = {Token::Text, rest->substr(0, end)};
    rest->remove_prefix(token.value.size());
    return token;
  }
  if (startsWith(*rest, "<!--")) return {skipPast(rest, "<!--", "-->") ? Token::Skipped : Token::Bad, {}};
  if (startsWith(*rest, "<?")) {
    std::string_view declaration = rest->substr(0, rest->find("?>"));
    bool plain = !startsWith(declaration, "<?xml") || isPlainDeclaration(declaration);
    return {skipPast(rest, "<?", "?>") && plain ? Token::Skipped : Token::Bad, {}};
  }
  if (startsWith(*rest, "<!")) return {Token::Bad, {}};
  return readTag(rest);
}

// The text between an element's tags, where nothing but text stands there.
bool plainContent(std::string_view rest, std::string_view element, std::string_view *text) {
  size_t end = rest.find('<');
  if (end == kEnd) return false;
  *text = rest.substr(0, end);
  rest.remove_prefix(end);
  Token token = next(&rest);
  // Entities mean something else than what stands here, so does a carriage return; and an empty name is as good as
  // none.
  return token.kind == Token::Close && token.value == element && !text->empty() && text->find_first_of("&\r") == kEnd;
}

constexpr const char *kSpaces = " \t\r\n";

void skipSpaces(std::string_view *rest) {
  size_t at = rest->find_first_not_of(kSpaces);
  rest->remove_prefix(at == kEnd ? rest->size() : at);
}

// Takes one `name="value"` off; false where there is none.
bool takeAttribute(std::string_view *rest, std::string_view *name, std::string_view *value) {
  skipSpaces(rest);
  size_t end = rest->find_first_of(" \t\r\n=");
  if (end == kEnd) return false;
  *name = rest->substr(0, end);
  rest->remove_prefix(end);
  skipSpaces(rest);
  if (!startsWith(*rest, "=")) return false;
  rest->remove_prefix(1);
  skipSpaces(rest);
  if (rest->empty() || (rest->front() != '"' && rest->front() != '\'')) return false;
  size_t close = rest->find(rest->front(), 1);
  if (close == kEnd) return false;
  *value = rest->substr(1, close - 1);
  rest->remove_prefix(close + 1);
  return true;
}

}  // namespace

bool rootAttribute(std::string_view xml, std::string_view attribute, std::string_view *text) {
  while (!xml.empty()) {
    Token token = next(&xml);
    if (token.kind == Token::Bad) return false;
    if (token.kind != Token::Open && token.kind != Token::Empty) continue;
    std::string_view name;
    while (takeAttribute(&token.attributes, &name, text)) {
      // Entities and white space mean something else than what stands here.
      if (name == attribute) return !text->empty() && text->find_first_of("&\t\r\n") == kEnd;
    }
    return false;
  }
  return false;
}

bool childText(std::string_view xml, std::string_view element, std::string_view *text) {
  int depth = 0;
  while (!xml.empty()) {
    Token token = next(&xml);
    if (token.kind == Token::Bad) return false;
    if (token.kind == Token::Close && --depth <= 0) return false;
    if (token.kind != Token::Open && token.kind != Token::Empty) continue;
    if (depth == 1 && token.value == element) return token.isPlain() && plainContent(xml, element, text);
    if (token.kind == Token::Open) depth++;
  }
  return false;
}

}  // namespace virtshim
