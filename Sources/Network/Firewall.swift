// SPDX-License-Identifier: Apache-2.0
import CNetlink
import Glibc
import Linux

/// The table `inet minictl` of nftables: our own, and the only one we touch.
///
/// Its rules are set by `nft(8)`, once; after that only elements of its sets come and go. For these we speak with the kernel ourselves: a
/// batch of elements, all or none, takes 0.1 ms, where starting `nft` takes 5, and more with many rules of others.
package struct Firewall: ~Copyable {
    let socket: FileDescriptor
    var sequence: UInt32 = 0

    /// For the network namespace this process is in.
    package init() throws(NetworkError) {
        do throws(SystemError) {
            let type = CInt(SOCK_RAW.rawValue | SOCK_CLOEXEC.rawValue)
            socket = FileDescriptor(owning: try check("socket", "netfilter") { Glibc.socket(AF_NETLINK, type, Self.netfilter) })
        } catch {
            throw .system(doing: "speak with the kernel's packet filter", error)
        }
    }

    /// `NETLINK_NETFILTER`.
    private static let netfilter: CInt = 12

    /// An element of a set, or with a value of a map.
    struct Element: Equatable {
        let key: [UInt8]
        var value: [UInt8]?
        /// It goes by itself at the next tick of the kernel's clock, some milliseconds.
        var isRunningOut = false
    }

    /// Elements of one set.
    struct Change {
        let set: StaticString
        let elements: [Element]

        init(_ set: StaticString, _ elements: [Element]) {
            self.set = set
            self.elements = elements
        }
    }

    /// Whether a set has an element. False too where the table is missing.
    mutating func has(_ key: [UInt8], in set: StaticString) throws(SystemError) -> Bool { try element(key, in: set) != nil }

    /// An element of a set or map; nil where it is missing, or the table is.
    mutating func element(_ key: [UInt8], in set: StaticString) throws(SystemError) -> Element? {
        sequence &+= 1
        let message = NetfilterMessage(.getElement, [Element(key: key)], of: set, flags: NLM_F_REQUEST, sequence: sequence)
        try check("send", "nf_tables") { send(socket.raw, message.bytes, message.bytes.count, 0) }
        while true {
            for reply in try socket.receiveReplies() where reply.sequence == sequence {
                guard reply.type == NLMSG_ERROR else {
                    return Element(key: key, value: reply.elementValue, isRunningOut: reply.elementRunsOut)
                }
                let code = -Int32(bitPattern: reply.word(0))
                if code == ENOENT { return nil }
                throw SystemError(call: "NFT_MSG_GETSETELEM", subject: "\(set)", errno: code)
            }
        }
    }

    /// The keys of all elements of a set; none where the table is missing.
    mutating func keys(of set: StaticString) throws(SystemError) -> [[UInt8]] {
        sequence &+= 1
        let message = NetfilterMessage(.getElement, [], of: set, flags: NLM_F_REQUEST | NLM_F_DUMP, sequence: sequence)
        try check("send", "nf_tables") { send(socket.raw, message.bytes, message.bytes.count, 0) }
        var keys: [[UInt8]] = []
        while true {
            for reply in try socket.receiveReplies() where reply.sequence == sequence {
                if reply.type == NLMSG_DONE { return keys }
                guard reply.type == NLMSG_ERROR else {
                    keys += reply.elementKeys
                    continue
                }
                let code = -Int32(bitPattern: reply.word(0))
                if code == ENOENT { return [] }
                throw SystemError(call: "NFT_MSG_GETSETELEM", subject: "\(set)", errno: code)
            }
        }
    }

    /// Adds elements, all or none. One that is there with the same value is fine; with another it is the error `EEXIST`.
    mutating func add(_ changes: [Change]) throws(SystemError) {
        try transact(changes.flatMap { $0.parts }.map { (.addElements, $0) })
    }

    /// Removes elements, all or none. What is not there is fine: it is added first, which one transaction does not let anybody see.
    mutating func remove(_ changes: [Change]) throws(SystemError) {
        try transact(changes.flatMap { $0.parts }.flatMap { [(.addElements, $0), (.deleteElements, $0)] })
    }

    /// The same by having them run out (Linux 6.12): the kernel waits for every processor before it takes apart what was deleted, and makes
    /// the next program wait for that which closes a socket such as ours, 10 ms. What is changed alone leaves nothing to take apart.
    mutating func expire(_ changes: [Change]) throws(SystemError) {
        try add(changes.map { Change($0.set, $0.elements.map { Element(key: $0.key, value: $0.value, isRunningOut: true) }) })
        // A kernel that does not do it says nothing.
        guard let change = changes.first, let key = change.elements.first?.key, let left = try element(key, in: change.set) else { return }
        if !left.isRunningOut { try remove(changes) }
    }

    /// Empties a set.
    mutating func clear(_ set: StaticString) throws(SystemError) { try transact([(.deleteElements, (set, []))]) }

    private mutating func transact(_ steps: [(kind: NetfilterMessage.Kind, part: Change.Part)]) throws(SystemError) {
        guard !steps.isEmpty else { return }
        let first = sequence &+ 1
        var bytes = NetfilterMessage(.begin, flags: NLM_F_REQUEST, sequence: first).bytes
        for (index, step) in steps.enumerated() {
            var flags = NLM_F_REQUEST | NLM_F_ACK
            if step.kind == .addElements { flags |= NLM_F_CREATE }
            bytes +=
                NetfilterMessage(
                    step.kind, step.part.elements, of: step.part.set, flags: flags, sequence: first &+ 1 &+ UInt32(index)
                ).bytes
        }
        sequence = first &+ 1 &+ UInt32(steps.count)
        bytes += NetfilterMessage(.end, flags: NLM_F_REQUEST, sequence: sequence).bytes
        try makeRoom(bytes.count)
        try check("send", "nf_tables") { send(socket.raw, bytes, bytes.count, 0) }
        var failure: CInt = 0
        var waiting = steps.count
        // Each step is answered; what fails as a whole is told of the beginning alone.
        while waiting > 0 {
            for reply in try socket.receiveReplies() where reply.type == NLMSG_ERROR {
                let index = reply.sequence &- first
                let code = -Int32(bitPattern: reply.word(0))
                if code != 0, failure == 0 { failure = code }
                if index == 0 { waiting = 0 } else if index <= UInt32(steps.count) { waiting -= 1 }
            }
        }
        if failure != 0 { throw SystemError(call: "NFT_MSG_NEWSETELEM", errno: failure) }
    }

    /// A batch has to be sent whole, and a thousand ports are more than a socket holds otherwise. The answers need room too.
    private func makeRoom(_ count: Int) throws(SystemError) {
        guard count > 65536 else { return }
        for option in [SO_SNDBUFFORCE, SO_RCVBUFFORCE] {
            var size = CInt(clamping: count * 2)
            try check("setsockopt", "nf_tables") {
                setsockopt(socket.raw, SOL_SOCKET, option, &size, socklen_t(MemoryLayout<CInt>.size))
            }
        }
    }
}

extension Firewall.Change {
    typealias Part = (set: StaticString, elements: ArraySlice<Firewall.Element>)

    /// As many as the length of an attribute, 16 bits, has room for.
    fileprivate var parts: [Part] {
        stride(from: 0, to: elements.count, by: 512).map { (set, elements[$0..<Swift.min($0 + 512, elements.count)]) }
    }
}

extension NetlinkReply {
    /// The value of the one element that a message is about (`NFTA_SET_ELEM_DATA`, `NFTA_DATA_VALUE`).
    fileprivate var elementValue: [UInt8]? {
        guard let data = elementAttribute(2) else { return nil }
        return NetlinkReply(type: 0, sequence: 0, payload: data).attributes(after: 0).first { $0.type == 1 }.map { Array($0.value) }
    }

    /// Whether that element has a time (`NFTA_SET_ELEM_EXPIRATION`).
    fileprivate var elementRunsOut: Bool { elementAttribute(5) != nil }

    /// Behind a `struct nfgenmsg`, in `NFTA_SET_ELEM_LIST_ELEMENTS` and `NFTA_LIST_ELEM`.
    private func elementAttribute(_ type: Int) -> ArraySlice<UInt8>? {
        var value = payload.dropFirst(4)
        for type in [3, 1, type] {
            let attributes = NetlinkReply(type: 0, sequence: 0, payload: value).attributes(after: 0)
            guard let next = attributes.first(where: { $0.type == type }) else { return nil }
            value = next.value
        }
        return value
    }

    /// The keys of the elements that a message is about (`NFTA_SET_ELEM_KEY` in place of the data).
    fileprivate var elementKeys: [[UInt8]] {
        var values = [payload.dropFirst(4)]
        for type in [3, 1, 1, 1] {
            values = values.flatMap { value in
                NetlinkReply(type: 0, sequence: 0, payload: value).attributes(after: 0).filter { $0.type == type }.map(\.value)
            }
        }
        return values.map(Array.init)
    }
}
