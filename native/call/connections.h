// What is known about each open connection: kept from the moment it opens, because asking libvirt each time would cost
// more than most calls, and because libvirt has no way to ask whether a connection is read-only.
#pragma once

#include <cstddef>
#include <string_view>

#include "policy/policy.h"

namespace virtshim {

// Immutable and reference-counted: a record may still need it when the connection is gone.
struct ConnectionFacts;

// Facts made of a URI that is about to be opened.
ConnectionFacts *makeConnectionFacts(std::string_view uri, policy::Tri readOnly);

std::string_view uriOf(const ConnectionFacts *facts);  // scheme and host in lower case
policy::MaybeString driverOf(const ConnectionFacts *facts);
policy::MaybeString transportOf(const ConnectionFacts *facts);
policy::MaybeString hostOf(const ConnectionFacts *facts);
policy::Tri readOnlyOf(const ConnectionFacts *facts);

void releaseConnectionFacts(ConnectionFacts *facts);

// Facts of an open connection, with a reference for the caller. A connection that was not seen to open is asked for
// its URI; whether it is read-only stays unknown. nullptr where not even that works.
ConnectionFacts *findConnection(void *connection);

// Facts that hold for every connection this process has open: for objects that cannot name theirs. nullptr unless all
// of them agree.
ConnectionFacts *findCommonConnection();

// Follows opening: asks libvirt for the canonical URI.
void rememberConnection(void *connection, policy::Tri readOnly);

// Follows the end of the last reference. `facts` are those found before the close: by now another thread may have
// opened a new connection at the same address, which stays.
void forgetConnection(void *connection, const ConnectionFacts *facts);

// For fork: the table is consistent in the child.
void lockConnections();
void unlockConnections();

}  // namespace virtshim
