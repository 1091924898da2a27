// SPDX-License-Identifier: Apache-2.0
import Glibc
package import Linux

/// What parent and child say to each other between clone and exec, over one socket that keeps messages apart.
///
///     parent                                child
///                                             makes its namespaces
///                 ◀───────────── unshared     only with a network to connect
///       cgroup ───────────────────────────▶   has its ids; joins its cgroup, makes file systems
///       seats [tasks…] ───────────────────▶   instead of that, where the child cannot find the cgroup as it was planned
///       proceed [root] ───────────────────▶   builds the root
///       mounts [mounts…] ─────────────────▶   waited for where they are needed; as many messages as they take
///       connected ────────────────────────▶   only with a network that the parent connects meanwhile; waited for at the end
///                 ◀──────────────── mounted   only with hooks; waits
///       (hooks run) proceed ──────────────▶
///                 ◀─────── terminal [master]  only with a terminal
///                 ◀────────── filter [listener]  only with seccomp notification
///                 ◀────────────────── ready   only where `start` comes later
///       (written down) proceed ───────────▶   waits at the start socket; without this word it ends with its parent
///                 ◀────────────────── failed  from any step, instead of all that follows
///                 ◀────────────── unexecuted  from a reaper, whose program was killed before it ran
///                 ◀───────────── end of file  the program runs: exec closed the socket
///
/// Anything else is an error.
enum ChannelMessage: Equatable {
    case cgroup
    case seats
    case mounts
    case proceed
    case connected
    case unshared
    case mounted
    case terminal
    case filter
    case ready
    case unexecuted
    case failed(StepFailure)

    private static let words: [(UInt8, ChannelMessage)] = [
        (UInt8(ascii: "p"), .proceed), (UInt8(ascii: "m"), .mounted), (UInt8(ascii: "t"), .terminal), (UInt8(ascii: "l"), .filter),
        (UInt8(ascii: "r"), .ready), (UInt8(ascii: "b"), .mounts), (UInt8(ascii: "c"), .connected),
        (UInt8(ascii: "u"), .unshared), (UInt8(ascii: "s"), .seats), (UInt8(ascii: "g"), .cgroup),
        (UInt8(ascii: "x"), .unexecuted),
    ]

    var bytes: [UInt8] {
        if case .failed(let failure) = self { return [UInt8(ascii: "f")] + failure.bytes }
        return Self.words.first { $0.1 == self }.map { [$0.0] } ?? []
    }

    init?(_ bytes: [UInt8]) {
        guard let first = bytes.first else { return nil }
        if first == UInt8(ascii: "f") {
            guard let failure = StepFailure(bytes.dropFirst()) else { return nil }
            self = .failed(failure)
        } else {
            guard bytes.count == 1, let word = Self.words.first(where: { $0.0 == first }) else { return nil }
            self = word.1
        }
    }
}

/// The step of the child that failed, and why.
package struct StepFailure: Error, Equatable, Sendable {
    /// The step's name in `Init` or `Join`.
    package let step: String
    package let error: SystemError
    /// What is known of a program that could not be executed.
    package let program: ProgramFault?

    init(step: String, error: SystemError, program: ProgramFault? = nil) {
        self.step = step
        self.error = error
        self.program = program
    }

    /// Fields separated by NUL, which occurs in none of them.
    var bytes: [UInt8] {
        Array([Array(step.utf8), Array((program?.words ?? "").utf8.prefix(1500)), error.bytes].joined(separator: [0]))
    }

    init?(_ bytes: ArraySlice<UInt8>) {
        let fields = bytes.split(separator: 0, maxSplits: 2, omittingEmptySubsequences: false)
        guard fields.count == 3, let error = SystemError(fields[2]) else { return nil }
        self.init(
            step: String(decoding: fields[0], as: UTF8.self), error: error,
            program: ProgramFault(words: String(decoding: fields[1], as: UTF8.self)))
    }
}

/// Why a program cannot be executed, in the words a person needs.
package enum ProgramFault: Equatable, Sendable {
    /// No such program; exit code 127.
    case notFound
    /// It is there, but not to be executed by this user, or not a program at all; exit code 126.
    case notExecutable
    /// It is there, but not the interpreter it names; exit code 127, as the kernel's ENOENT.
    case missingInterpreter(String)
    /// It is for another machine; exit code 126.
    case wrongArchitecture(String)

    var words: String {
        switch self {
        case .notFound: "n"
        case .notExecutable: "x"
        case .missingInterpreter(let path): "i" + path
        case .wrongArchitecture(let name): "a" + name
        }
    }

    init?(words: String) {
        switch words.first {
        case "n": self = .notFound
        case "x": self = .notExecutable
        case "i": self = .missingInterpreter(String(words.dropFirst()))
        case "a": self = .wrongArchitecture(String(words.dropFirst()))
        default: return nil
        }
    }

    package var exitCode: CInt {
        switch self {
        case .notFound, .missingInterpreter: 127
        case .notExecutable, .wrongArchitecture: 126
        }
    }
}

/// One end of the conversation.
struct Channel: ~Copyable {
    let socket: MessageSocket
    /// `connected` came while something else was waited for.
    private var isConnected = false

    init(socket: consuming MessageSocket) { self.socket = socket }

    func send(_ message: ChannelMessage, descriptors: [CInt] = []) throws(SystemError) {
        try socket.send(message.bytes, descriptors: descriptors)
    }

    /// A parent that died is the error `EPIPE`.
    func checkParent() throws(SystemError) {
        var entries = [PollEntry(socket.descriptor.raw, [])]
        _ = try entries.wait(milliseconds: 0)
        if entries[0].ready.contains(.hangUp) { throw SystemError(call: "prctl", subject: "the parent is gone", errno: EPIPE) }
    }

    /// Waits for a word of the parent's, and gives the descriptors with it. A parent that died is the error `EPIPE`.
    mutating func wait(for word: ChannelMessage) throws(SystemError) -> [CInt] { try wait(for: word, or: word).descriptors }

    /// Waits for one of two words.
    mutating func wait(
        for word: ChannelMessage, or other: ChannelMessage
    ) throws(SystemError) -> (word: ChannelMessage, descriptors: [CInt]) {
        while true {
            guard var message = try socket.receive() else {
                throw SystemError(call: "recvmsg", subject: "the parent is gone", errno: EPIPE)
            }
            switch ChannelMessage(message.bytes) {
            case .connected: isConnected = true
            case let said? where said == word || said == other: return (said, message.takeDescriptors())
            default: throw SystemError(call: "recvmsg", errno: EPROTO)
            }
        }
    }

    /// Waits until the parent has connected the network.
    mutating func waitForNetwork() throws(SystemError) {
        if isConnected { return }
        guard let message = try socket.receive() else {
            throw SystemError(call: "recvmsg", subject: "the parent is gone", errno: EPIPE)
        }
        guard ChannelMessage(message.bytes) == .connected else { throw SystemError(call: "recvmsg", errno: EPROTO) }
        isConnected = true
    }
}
