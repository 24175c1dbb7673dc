// The values of a fact in one document, as native/api/xml.json says where they are.
#pragma once

#include "api/xml_facts.h"
#include "xml/document.h"
#include "xml/value_list.h"

namespace virtshim::xml {

// False where one of them cannot be read, there are too many, or memory ran out.
bool collect(Parsed *document, const Library &library, const XmlFact &fact, ValueList *values);

}  // namespace virtshim::xml
