// SPDX-License-Identifier: Apache-2.0

/// A cgroup controller. Version 2 renames `blkio` to `io` and builds freezer, device filter and CPU accounting into every cgroup.
package enum Controller: UInt8, CaseIterable, Sendable {
    case pids, memory, cpu, cpuacct, devices, freezer, cpuset, io, hugetlb, netClass, netPriority, perf, rdma, misc

    /// The name version 1 mounts it by, as in `/proc/cgroups`.
    package var legacyName: StaticString {
        switch self {
        case .pids: "pids"
        case .memory: "memory"
        case .cpu: "cpu"
        case .cpuacct: "cpuacct"
        case .devices: "devices"
        case .freezer: "freezer"
        case .cpuset: "cpuset"
        case .io: "blkio"
        case .hugetlb: "hugetlb"
        case .netClass: "net_cls"
        case .netPriority: "net_prio"
        case .perf: "perf_event"
        case .rdma: "rdma"
        case .misc: "misc"
        }
    }

    /// The controller that version 1 mounts by that name.
    init?(legacy name: Substring.UTF8View) {
        for controller in ControllerSet.all {
            let known = controller.legacyName
            if name.elementsEqual(UnsafeBufferPointer(start: known.utf8Start, count: known.utf8CodeUnitCount)) {
                self = controller
                return
            }
        }
        return nil
    }

    /// The name in `cgroup.controllers` of version 2, and the first word of its files.
    package var unifiedName: StaticString { self == .io ? "io" : legacyName }

    /// The controller whose version 2 files begin with that word.
    package init?(unified name: Substring) {
        for controller in ControllerSet.all where name == controller.unifiedName.description {
            self = controller
            return
        }
        return nil
    }
}

/// A set of controllers, in one word; iterated in the order of `Controller`'s cases.
package struct ControllerSet: SetAlgebra, Sequence, Sendable {
    private var bits: UInt16 = 0

    package init() {}
    package init(arrayLiteral elements: Controller...) { self.init(bits: elements.reduce(0) { $0 | 1 << UInt16($1.rawValue) }) }
    private init(bits: UInt16) { self.bits = bits }

    package static let all = ControllerSet(bits: (1 << UInt16(Controller.allCases.count)) - 1)

    /// What a container gets when nothing in particular is asked for. The others cost a directory each, so they wait to be asked.
    package static let standard: ControllerSet = [.pids, .memory, .cpu, .cpuacct, .devices, .freezer]

    /// Version 2 has these in every cgroup.
    static let builtIn: ControllerSet = [.cpuacct, .devices, .freezer]

    /// What version 2 never lists in `cgroup.controllers`: built in, or gone.
    static let unlisted: ControllerSet = [.cpuacct, .devices, .freezer, .netClass, .netPriority]

    /// The words of `cgroup.controllers` or `cgroup.subtree_control`; unknown ones are no concern of ours.
    package init(unified text: String) {
        self.init()
        for word in text.split(whereSeparator: { $0 == " " || $0 == "\n" }) {
            if let controller = Controller(unified: word) { insert(controller) }
        }
    }

    /// The first in order.
    package var first: Controller? { Controller(rawValue: UInt8(truncatingIfNeeded: bits.trailingZeroBitCount)) }

    package func makeIterator() -> Iterator { Iterator(rest: self) }

    package struct Iterator: IteratorProtocol {
        fileprivate var rest: ControllerSet

        package mutating func next() -> Controller? {
            guard let first = rest.first else { return nil }
            rest.remove(first)
            return first
        }
    }
}

extension ControllerSet {
    private static func bit(_ controller: Controller) -> UInt16 { 1 << UInt16(controller.rawValue) }

    package func contains(_ member: Controller) -> Bool { bits & Self.bit(member) != 0 }
    package func union(_ other: ControllerSet) -> ControllerSet { ControllerSet(bits: bits | other.bits) }
    package func intersection(_ other: ControllerSet) -> ControllerSet { ControllerSet(bits: bits & other.bits) }
    package func symmetricDifference(_ other: ControllerSet) -> ControllerSet { ControllerSet(bits: bits ^ other.bits) }
    package mutating func formUnion(_ other: ControllerSet) { bits |= other.bits }
    package mutating func formIntersection(_ other: ControllerSet) { bits &= other.bits }
    package mutating func formSymmetricDifference(_ other: ControllerSet) { bits ^= other.bits }

    @discardableResult
    package mutating func insert(_ member: Controller) -> (inserted: Bool, memberAfterInsert: Controller) {
        defer { bits |= Self.bit(member) }
        return (!contains(member), member)
    }

    @discardableResult
    package mutating func remove(_ member: Controller) -> Controller? {
        defer { bits &= ~Self.bit(member) }
        return contains(member) ? member : nil
    }

    @discardableResult
    package mutating func update(with member: Controller) -> Controller? { insert(member).inserted ? nil : member }
}
