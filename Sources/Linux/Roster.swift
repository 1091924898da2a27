// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc

/// Processes that are at something, in a file which all of them share: who comes enters itself, who is done strikes itself off, and whoever ends
/// otherwise is marked by the kernel. So one look at some words of memory tells whether anybody was killed, however many there are.
///
/// An entry's word is what the kernel calls a robust futex (`set_robust_list(2)`): it holds the process's number, and becomes
/// `FUTEX_OWNER_DIED` before anybody can learn of the end. A process has one entry for all it does, with the key of the first thing.
///
///     header   a mark for those who could not enter | highest entry ever used | boot
///     entry    number or mark                       | -                       | key
package final class Roster {
    private static let entrySize = 16
    private static let capacity = 4096
    private static let size = entrySize * capacity
    private static let mark: UInt32 = 0x4000_0000

    private let file: FileDescriptor
    private let boot: UInt64
    /// Nobody else sees it, and each look begins with a mark: of a file system that is full, read-only, or shares no memory.
    private let isPrivate: Bool
    private var base: UnsafeMutableRawPointer
    /// Whose memory it is mapped in.
    private var owner: pid_t
    /// The entry of this process, or of the one it was forked from; 0 is none.
    private var own = 0
    private var number: UInt32 = 0
    private var count = 0

    /// Opens it, and makes it where it is missing or of another boot; then everybody counts as killed until a look has found them well.
    package init(_ name: String, at place: Place, boot: String) throws(SystemError) {
        self.boot = Self.key(of: boot)
        owner = getpid()
        do throws(SystemError) {
            let file = try FileDescriptor(opening: name, at: place, [.readWrite, .create, .noFollow], mode: 0o600)
            if try file.status().size < Self.size { try Self.fill(file) }
            base = try Self.map(file.raw)
            self.file = file
            isPrivate = false
        } catch {
            guard [ENOSPC, EDQUOT, EROFS, ENODEV].contains(error.errno) else { throw error }
            file = try FileDescriptor(opening: ".", at: place, .directory)
            base = try Self.map(-1)
            isPrivate = true
        }
        if key(0) != self.boot { try renew() }
    }

    /// It stays mapped to the end of the process, when the kernel looks into it. Forks do not have it: one of them may be a container's first
    /// process, whose memory is the container's.
    private static func map(_ raw: CInt) throws(SystemError) -> UnsafeMutableRawPointer {
        let flags = raw < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED
        guard let base = mmap(nil, size, PROT_READ | PROT_WRITE, flags, raw, 0), base != MAP_FAILED else {
            throw SystemError(call: "mmap", subject: "roster", errno: errno)
        }
        try check("madvise", "roster") { madvise(base, size, MADV_DONTFORK) }
        return base
    }

    /// In a fork, maps it again; what the parent is at is not the fork's.
    private func settleIn() throws(SystemError) {
        guard owner != getpid() else { return }
        base = try Self.map(isPrivate ? -1 : file.raw)
        owner = getpid()
        own = 0
        count = 0
        if key(0) != boot { try renew() }
    }

    /// Written, not only made that long: a page for which the disk has no room would be a signal.
    private static func fill(_ file: borrowing FileDescriptor) throws(SystemError) {
        _ = try file.lock(wait: true)
        defer { file.unlock() }
        if try file.status().size < size { try file.write([UInt8](repeating: 0, count: size)) }
    }

    private func renew() throws(SystemError) {
        _ = try file.lock(wait: true)
        defer { file.unlock() }
        guard key(0) != boot else { return }
        for entry in 1..<Self.capacity { linux_store(word(entry), 0) }
        linux_store(word(0), Self.mark)
        setKey(0, boot)
    }

    /// A name as a number, which no two share but by a chance of one in 10¹⁹.
    package static func key(of name: String) -> UInt64 {
        var name = name
        return name.withUTF8 { UInt64(fnv1a: UnsafeRawBufferPointer($0)) }
    }

    // MARK: being on it

    /// From now on this process is at something.
    package func enter(_ key: UInt64) throws(SystemError) {
        try settleIn()
        count += 1
        if count > 1, own != 0 { return }
        number = UInt32(bitPattern: getpid())
        for entry in 1..<Self.capacity where linux_load(word(entry)) == 0 {
            // Marked if we end from here on, and only if it is ours by then.
            try check("set_robust_list") { linux_mark_at_death(word(entry)) }
            raise(entry)
            guard linux_compare_exchange(word(entry), 0, number) == 0 else { continue }
            setKey(entry, key)
            own = entry
            return
        }
        // No room: whoever looks has to look at everybody.
        linux_store(word(0), Self.mark)
    }

    /// One thing that this process was at is done.
    package func leave() {
        guard owner == getpid() else { return }
        count -= 1
        guard count <= 0, own != 0 else { return }
        setKey(own, 0)
        _ = linux_compare_exchange(word(own), number, 0)
        own = 0
    }

    /// In a fork that goes on with the one thing its parent was at.
    package func inherit(_ key: UInt64) throws(SystemError) {
        let (entry, parent) = (own, number)
        try settleIn()
        if entry != 0 {
            number = UInt32(bitPattern: getpid())
            try check("set_robust_list") { linux_mark_at_death(word(entry)) }
            // The parent's, or the mark of its end.
            for before in [parent, Self.mark] where linux_compare_exchange(word(entry), before, number) == before {
                own = entry
                count = 1
                setKey(entry, key)
                return
            }
        }
        try enter(key)
    }

    /// In the parent, once its fork goes on with that or has ended: what the fork has not taken counts as killed.
    package func handOver() {
        if own != 0, owner == getpid() { _ = linux_compare_exchange(word(own), number, Self.mark) }
        own = 0
        count = 0
    }

    // MARK: looking at it

    /// Entries with a mark; none if everybody is well.
    package func marked() throws(SystemError) -> [Int] {
        try settleIn()
        return (0...highest).filter { linux_load(word($0)) == Self.mark }
    }

    /// One process at a time looks and takes marks away: one that was made again meanwhile would go with them. False while another does.
    package func begin() throws(SystemError) -> Bool { try file.lock(wait: false) }

    package func end() { file.unlock() }

    package func clear(_ entries: [Int]) { for entry in entries { _ = linux_compare_exchange(word(entry), Self.mark, 0) } }

    /// The keys of those who are at something.
    package func keys() -> Set<UInt64> {
        guard highest > 0 else { return [] }
        var keys: Set<UInt64> = []
        for entry in 1...highest where linux_load(word(entry)) & ~Self.mark != 0 { keys.insert(key(entry)) }
        return keys
    }

    // MARK: words

    private func word(_ entry: Int) -> UnsafeMutablePointer<UInt32> {
        (base + entry * Self.entrySize).assumingMemoryBound(to: UInt32.self)
    }

    private var highest: Int { min(Int(linux_load(word(0) + 1)), Self.capacity - 1) }

    private func raise(_ entry: Int) {
        let new = UInt32(truncatingIfNeeded: entry)
        var before = linux_load(word(0) + 1)
        while before < new {
            let found = linux_compare_exchange(word(0) + 1, before, new)
            if found == before { return }
            before = found
        }
    }

    private func key(_ entry: Int) -> UInt64 { (base + entry * Self.entrySize + 8).load(as: UInt64.self) }

    private func setKey(_ entry: Int, _ key: UInt64) { (base + entry * Self.entrySize + 8).storeBytes(of: key, as: UInt64.self) }
}
