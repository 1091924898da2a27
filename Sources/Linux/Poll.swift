// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc

/// What to wait for on one descriptor, and what came.
package struct PollEntry: Sendable {
    package let raw: CInt
    package let events: PollEvents
    package fileprivate(set) var ready: PollEvents = []

    /// A negative number is passed over, so places in the list can stay the same.
    package init(_ raw: CInt, _ events: PollEvents) {
        self.raw = raw
        self.events = events
    }
}

package struct PollEvents: OptionSet, Sendable {
    package let rawValue: Int16
    package init(rawValue: Int16) { self.rawValue = rawValue }
    package init(arrayLiteral elements: PollEvents...) { self.init(rawValue: elements.reduce(0) { $0 | $1.rawValue }) }
    package static let readable = PollEvents(rawValue: Int16(POLLIN))
    package static let writable = PollEvents(rawValue: Int16(POLLOUT))
    package static let hangUp = PollEvents(rawValue: Int16(POLLHUP))
    package static let error = PollEvents(rawValue: Int16(POLLERR))
}

extension Array where Element == PollEntry {
    /// Waits until something is ready or the time is over (−1: for ever). The corresponding call is `poll(2)`.
    package mutating func wait(milliseconds: CInt = -1) throws(SystemError) -> Bool {
        var raw = map { pollfd(fd: $0.raw, events: $0.events.rawValue, revents: 0) }
        let count = try check("poll") { poll(&raw, nfds_t(raw.count), milliseconds) }
        for index in indices { self[index].ready = PollEvents(rawValue: raw[index].revents) }
        return count > 0
    }
}
