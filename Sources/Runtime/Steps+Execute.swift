// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux

extension Steps {
    /// The first number the program does not get: there the socket waits for exec to close it.
    private static func slot(of child: Child) -> CInt { 3 + child.plan.process.preservedDescriptors }

    /// What exec would keep of ours, and the program is not to have. A filter may forbid any of these calls, so it comes after.
    static func letGo(_ child: Child) throws(SystemError) {
        try child.channel.move(to: slot(of: child))
        if child.plan.process.reaper { child.begun = try FileDescriptor.pipe().release() }
        try SignalSet.reset()
    }

    /// Passes over folders of PATH that have no such program: a try to execute costs the kernel five times as much as a look.
    static func passOver(_ child: Child) throws(SystemError) {
        let candidates = child.plan.process.candidates
        while child.firstCandidate < candidates.count - 1, let path = candidates.pointer[child.firstCandidate], access(path, F_OK) != 0,
            errno == ENOENT || errno == ENOTDIR
        {
            child.firstCandidate += 1
        }
    }

    /// The last step: becomes the program, or says in words why it cannot.
    static func execute(_ child: Child) throws(SystemError) {
        let process = child.plan.process
        let environment = child.environment
        if process.reaper { try Reaper.split(child, channel: slot(of: child)) }
        var failure = SystemError(call: "execve", subject: process.name, errno: ENOENT)
        for index in child.firstCandidate..<max(child.firstCandidate, process.candidates.count) {
            guard let path = process.candidates.pointer[index] else { break }
            let error = Process.execute(path, process.arguments, environment)
            // As a shell does: what is there but not to be executed is remembered, and the search goes on.
            if error.errno == ENOENT || error.errno == ENOTDIR {
                if failure.errno == ENOENT, let fault = ProgramFault(of: String(cString: path), error.errno), fault != .notFound {
                    child.fail(StepFailure(step: "execute", error: error, program: fault))
                }
                continue
            }
            failure = error
            if error.errno != EACCES { break }
        }
        // A bare name that was in no folder of PATH is no file to look at.
        let fault = failure.errno == ENOENT ? .notFound : ProgramFault(of: failure.subject, failure.errno)
        child.fail(StepFailure(step: "execute", error: failure, program: fault))
    }
}

extension Steps {
    /// For a container that is started later: says now what executing would say then. What happens to the program meanwhile, it will.
    static func findProgram(_ child: Child) throws(SystemError) {
        guard child.plan.startSocket != nil, child.plan.seeksProgram else { return }
        let process = child.plan.process
        var failure = SystemError(call: "execve", subject: process.name, errno: ENOENT)
        for index in 0..<process.candidates.count {
            guard let name = process.candidates.pointer[index].map({ String(cString: $0) }) else { break }
            let path = name.isAbsolutePath ? name : "\(process.workingDirectory)/\(name)"
            // Whether this very user may execute it is left to exec: here we are root still, for whom one x bit of any is enough.
            guard let status = try? FileStatus(of: path, followLinks: true) else { continue }
            if status.kind == .regular, status.permissions & 0o111 != 0 { return }
            failure = SystemError(call: "execve", subject: name, errno: EACCES)
        }
        child.fail(StepFailure(step: "execute", error: failure, program: failure.errno == ENOENT ? .notFound : .notExecutable))
    }
}

extension Channel {
    /// Moves the socket to the first number the program does not get, and closes all above. exec closes the socket itself.
    mutating func move(to slot: CInt) throws(SystemError) {
        try socket.descriptor.occupy(slot)
        try FileDescriptor.closeAll(from: slot + 1, onlyOnExec: false)
        if socket.descriptor.raw == slot { return }
        self = Channel(socket: MessageSocket(owning: FileDescriptor(owning: slot)))
    }
}

extension ProgramFault {
    /// Looks at the file to tell what is wrong with it. It is the container's: read a little, believe nothing.
    init?(of path: String, _ errno: CInt) {
        switch errno {
        case ENOENT, ENOTDIR:
            guard let file = try? FileDescriptor(opening: path, [.nonBlocking]), let head = try? file.read(atMost: 4096), !head.isEmpty
            else {
                self = .notFound
                return
            }
            self = Self.interpreter(of: head).map { .missingInterpreter($0) } ?? .notFound
        case ENOEXEC:
            guard let file = try? FileDescriptor(opening: path, [.nonBlocking]), let head = try? file.read(atMost: 64) else {
                self = .notExecutable
                return
            }
            self = Self.foreignMachine(head).map { .wrongArchitecture($0) } ?? .notExecutable
        case EACCES, EPERM, EISDIR, ETXTBSY, ELOOP, EINVAL, E2BIG:
            self = .notExecutable
        default:
            return nil
        }
    }

    /// What the file names after `#!` or as its ELF interpreter.
    private static func interpreter(of head: [UInt8]) -> String? {
        if head.starts(with: [UInt8(ascii: "#"), UInt8(ascii: "!")]) {
            let line = head[2...].prefix(256).prefix { $0 != UInt8(ascii: "\n") }.drop {
                $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t")
            }
            return Self.path(line.prefix { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "\t") })
        }
        guard head.count >= 64, head.starts(with: [0x7f, 0x45, 0x4c, 0x46]), head[5] == 1 else { return nil }
        let wide = head[4] == 2
        func number(_ offset: Int, _ size: Int) -> Int? {
            guard offset >= 0, offset <= head.count - size else { return nil }
            let number = head[offset..<(offset + size)].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            return number <= UInt64(Int32.max) ? Int(number) : nil
        }
        guard let table = number(wide ? 32 : 28, wide ? 8 : 4), let size = number(wide ? 54 : 42, 2), let count = number(wide ? 56 : 44, 2)
        else { return nil }
        for index in 0..<min(count, 64) {
            let entry = table + index * size
            guard number(entry, 4) == programInterpreter else { continue }
            guard let offset = number(entry + (wide ? 8 : 4), wide ? 8 : 4), let length = number(entry + (wide ? 32 : 16), wide ? 8 : 4),
                length > 1, length <= 4096, offset <= head.count - length
            else { return nil }
            return Self.path(head[offset..<(offset + length)])
        }
        return nil
    }

    /// As the kernel reads it, up to a null byte; nil for none.
    private static func path(_ bytes: ArraySlice<UInt8>) -> String? {
        let path = bytes.prefix { $0 != 0 }
        return path.isEmpty ? nil : String(decoding: path, as: UTF8.self)
    }

    /// `PT_INTERP` of `elf(5)`.
    private static let programInterpreter = 3

    /// The machine that an ELF file is for; nil where that is this one, and something else is wrong with it.
    private static func foreignMachine(_ head: [UInt8]) -> String? {
        guard head.count >= 20, head.starts(with: [0x7f, 0x45, 0x4c, 0x46]) else { return nil }
        let machine = head[5] == 1 ? Int(head[18]) | Int(head[19]) << 8 : Int(head[19]) | Int(head[18]) << 8
        let names: [(Int, String)] = [
            (3, "i386"), (8, "mips"), (20, "ppc"), (21, "ppc64"), (22, "s390x"), (40, "arm"), (62, "x86_64"), (183, "aarch64"),
            (243, "riscv64"),
            (258, "loongarch64"),
        ]
        let name = names.first { $0.0 == machine }?.1 ?? "ELF machine \(machine)"
        return name == Machine.hardware ? nil : name
    }
}
