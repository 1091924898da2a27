// SPDX-License-Identifier: Apache-2.0
import Glibc
package import Images
package import Linux
package import Network
package import Runtime

/// What can go wrong with containers, told apart as far as a caller acts on it.
package enum EngineError: Error {
    /// Nothing of that kind has the name or id; perhaps one has a name that looks like it.
    case notFound(String, near: String? = nil, kind: String = "container")
    /// A prefix of several ids.
    case ambiguous(String)
    /// The name belongs to another container.
    case nameTaken(ContainerName, ContainerID?)
    /// The container is in a state that does not allow it: what was asked, and the state.
    case notAllowed(String, String, Status)
    /// What is asked for contradicts itself, or is not to be had here, in one sentence.
    case refused(String)
    case image(ImageError)
    case network(NetworkError)
    case launch(LaunchError, limit: Int64?)
    /// What the container's monitor reported, already in words.
    case reported(String, exitCode: Int32)
    case system(doing: String, SystemError)
}

extension EngineError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .notFound("", _, let kind): "no such \(kind): its name is empty"
        case .notFound(let name, let near, let kind): "no such \(kind): \(name)\(near.map { " (did you mean \($0)?)" } ?? "")"
        case .ambiguous(let prefix): "\(prefix) is the start of more than one container's id; give more of it"
        case .nameTaken(let name, let id):
            "the name \(name) is in use by container \(id.map { $0.short } ?? "another"); remove or rename that one, or choose another name"
        case .notAllowed(let verb, let name, .exited): "cannot \(verb) \(name): it has exited"
        case .notAllowed(let verb, let name, let status): "cannot \(verb) \(name): it is \(status.word)"
        case .refused(let sentence): sentence
        case .image(let error): "\(error)"
        case .network(let error): "\(error)"
        case .reported(let sentence, _): sentence
        case .launch(let error, let limit): error.sentence(memoryLimit: limit)
        case .system(let doing, let error): "cannot \(doing): \(error)"
        }
    }

    /// docker's: 127 and 126 for a program that cannot be found or executed, else 125.
    package var exitCode: CInt {
        switch self {
        case .launch(.step(let failure), _): failure.program?.exitCode ?? 125
        case .reported(_, let code): code
        default: 125
        }
    }
}

extension LaunchError {
    func sentence(memoryLimit: Int64?) -> String {
        switch self {
        case .refused(let sentence): sentence
        case .system(_, let error) where error.subject == "/proc/self/timens_offsets" && error.errno == ERANGE:
            "a time offset is out of range: no clock of a container can be before 0, where this machine's was when it started, or beyond 146 years"
        case .system(let doing, let error): error.mountMistake ?? "cannot \(doing): \(error)"
        case .died(.signaled(.kill)):
            memoryLimit.map { "the container was killed before it could start: out of memory (limit \(ByteCount($0)))" }
                ?? "the container was killed before it could start"
        case .died(.signaled(.badSystemCall)):
            "the system call filter killed the first process before it became the program: it must allow execve"
        case .died(.signaled(.segmentationFault)):
            "the first process got no memory before it became the program: a limit is too low, such as --ulimit as"
        case .died(let end): "the container's first process ended before it could start, with status \(end.exitCode)"
        case .step(let failure): failure.sentence
        }
    }
}

extension SystemError {
    /// What is wrong with a place at which something of another kind is to be mounted.
    fileprivate var mountMistake: String? {
        switch (call, errno) {
        case ("mount", EISDIR): "cannot mount at \(subject): it is a directory, and what is to be mounted there is none"
        case ("mount", ENOTDIR): "cannot mount at \(subject): it is no directory, and what is to be mounted there is one"
        case ("mount", EPERM) where subject.isAbsolutePath: "cannot mount at \(subject)"
        default: nil
        }
    }
}

extension StepFailure {
    var sentence: String {
        guard let program else { return reason }
        let name = error.subject
        switch program {
        case .notFound where name.hasPrefix("-"):
            return "cannot execute \(name): there is no such program in the container; options stand before the image's or container's name"
        case .notFound: return "cannot execute \(name): there is no such program in the container"
        case .notExecutable where error.errno == E2BIG:
            return "cannot execute \(name): its arguments and environment are longer than the kernel takes: "
                + "128 KiB for each one, and a quarter of the stack's limit for all"
        case .notExecutable:
            return "cannot execute \(name): \(error.reason.lowercased()); it is not a program, or not executable for this user"
        case .missingInterpreter(let path): return "cannot execute \(name): it needs \(path), which the image lacks"
        case .wrongArchitecture(let machine):
            return "cannot execute \(name): it is a program for \(machine), this machine is \(Machine.hardware)"
        }
    }

    private var reason: String {
        switch (error.call, error.errno) {
        case ("mount", EISDIR), ("mount", ENOTDIR), ("mount", EPERM): error.mountMistake ?? "cannot \(step): \(error)"
        case ("mkdir", _) where step == "set up root", ("creat", _):
            "cannot mount at \(error.subject): it is not there, and cannot be made (\(error.reason.lowercased()))"
        // Walked without following links, because the kernel fills these.
        case ("openat2", ELOOP) where step == "set up root" && ["/proc", "/sys", "/dev", "/dev/pts"].contains(error.subject):
            "cannot mount at \(error.subject): a part of it is a symbolic link, and this needs a directory of the image's"
        case ("open", ENOENT) where error.subject == "/dev/null":
            "the container has no /dev/null: what is mounted at /dev has to have one"
        case ("chdir", ENOTDIR): "the working directory \(error.subject) is no directory"
        case ("chdir", EACCES): "the working directory \(error.subject) may not be entered by this user"
        case ("open", ENOENT) where error.subject.hasPrefix("sys/"):
            "there is no sysctl \(String(error.subject.dropFirst(4).map { $0 == "/" ? "." : $0 })) in this container's namespaces"
        default: "cannot \(step): \(error)"
        }
    }
}

/// Bytes in the words people use, with binary prefixes: `64 MiB`.
package struct ByteCount: CustomStringConvertible, Sendable {
    let bytes: Int64

    package init(_ bytes: Int64) { self.bytes = bytes }

    package var description: String {
        let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"]
        var value = bytes
        var unit = 0
        var tenths: Int64 = 0
        while value >= 1024, unit < units.count - 1 {
            tenths = value % 1024 * 10 / 1024
            value /= 1024
            unit += 1
        }
        return tenths == 0 ? "\(value) \(units[unit])" : "\(value).\(tenths) \(units[unit])"
    }
}
