// SPDX-License-Identifier: Apache-2.0
package import Cgroups
import Glibc
package import JSON
package import Linux
package import OCI

/// Why a verb of the OCI life cycle could not be carried out.
package enum RuntimeError: Error {
    case invalidID(String)
    case exists(RuntimeID)
    case missing(RuntimeID)
    /// The container has ended.
    case notRunning
    /// What was asked, of whom, and what state forbids it.
    case notAllowed(Verb, RuntimeID, State.Status)
    /// A file of ours or of the bundle that says nothing sensible: which, and where it goes wrong.
    case malformed(String, JSONError)
    case invalid(String, SpecError)
    case seccomp(SeccompFilterError)
    case launch(LaunchError)
    case cgroup(doing: String, CgroupError)
    case system(doing: String, SystemError)
    /// What is asked for contradicts itself or cannot be done here, in one sentence.
    case refused(String)
}

extension RuntimeError {
    package enum Verb: String, Sendable { case start, exec, pause, resume, delete }

    /// Makes calls, and says what for if one fails.
    static func attempt<Value: ~Copyable>(
        _ doing: @autoclosure () -> String, _ calls: () throws(SystemError) -> Value
    ) throws(RuntimeError) -> Value {
        do throws(SystemError) { return try calls() } catch { throw .system(doing: doing(), error) }
    }
}

/// Engines read these sentences: "does not exist", "container not running", "executable file not found" and some more decide what
/// containerd, podman and docker do next (go-runc, `checkKillError`, libpod's `getOCIRuntimeError`). Therefore these words appear
/// where they are meant and nowhere else: reasons of other failures are told in words of our own.
extension RuntimeError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .invalidID(let text):
            "invalid container id \(quoted(text)): use letters, digits, '_', '+', '-' and '.', at most 255 of them, and not '.' or '..'"
        case .exists(let id): "container with given ID already exists: \(id.text)"
        case .missing(let id): "container \(id.text) does not exist"
        case .notRunning: "container not running"
        case .notAllowed(.exec, _, let status): "cannot exec in a \(status.rawValue) container"
        case .notAllowed(.delete, let id, let status): "cannot delete container \(id.text) that is not stopped: \(status.rawValue)"
        case .notAllowed(let verb, let id, let status): "cannot \(verb.rawValue) container \(id.text): it is \(status.rawValue)"
        case .malformed(let file, let error): "\(file) cannot be understood: \(error)"
        case .invalid(let file, let error): "\(file): \(error)"
        case .seccomp(let error): "\(error)"
        case .launch(let error): error.words
        case .cgroup(let doing, let error): "cannot \(doing): \(error.words)"
        case .system(let doing, let error): "cannot \(doing): \(error.words)"
        case .refused(let sentence): sentence
        }
    }
}

extension LaunchError {
    fileprivate var words: String {
        switch self {
        case .refused(let sentence): sentence
        case .system(_, let error) where error.call == "hook": "error running \(error.subject)"
        case .system(let doing, let error): "cannot \(doing): \(error.words)"
        case .died(let end): "the container's first process ended before it could start, with status \(end.exitCode)"
        case .step(let failure): failure.words
        }
    }
}

extension StepFailure {
    fileprivate var words: String {
        guard let program else { return reason }
        let name = quoted(error.subject)
        return switch program {
        case .notFound where error.subject.utf8.contains(UInt8(ascii: "/")): "exec: \(name): no such file or directory"
        case .notFound: "exec: \(name): executable file not found in $PATH"
        case .notExecutable where error.errno == E2BIG: "exec: \(name): argument list too long"
        case .notExecutable: "exec: \(name): permission denied (it is not a program, or not executable for this user)"
        case .missingInterpreter(let path): "exec: \(name): no such file or directory (it needs \(path), which the root file system lacks)"
        case .wrongArchitecture(let machine): "exec: \(name): exec format error (it is for \(machine), this machine is \(Machine.hardware))"
        }
    }

    private var reason: String {
        switch (error.call, error.errno) {
        case ("hook", _): "error running \(error.subject)"
        case ("setrlimit", EPERM):
            "cannot set the limit \(error.subject): its hard value is above ours, and raising that needs CAP_SYS_RESOURCE, "
                + "which this process lacks; ask for less"
        case ("chdir", ENOENT): "chdir to cwd (\(quoted(error.subject))) set in config.json failed: no such file or directory"
        case ("chdir", EACCES): "chdir to cwd (\(quoted(error.subject))) set in config.json failed: permission denied"
        case ("chdir", ENOTDIR): "chdir to cwd (\(quoted(error.subject))) set in config.json failed: not a directory"
        // Walked without following links, because the kernel fills it.
        case ("openat2", ELOOP): "cannot \(step): \(error.subject) must be mounted on ordinary directory, a part of it is a symbolic link"
        default: "cannot \(step): \(error.words)"
        }
    }
}

extension CgroupError {
    fileprivate var words: String {
        switch self {
        case .system(let error): error.words
        case .onlyIn: "invalid configuration: \(description)"
        case .noPermission(let error): "no right to \(error.words)"
        case .occupied: "container's cgroup is not empty: \(description)"
        case .refused(let file, let text, let errno):
            "the kernel refused \(text.debugDescription) in \(file): \(SystemError(call: "write", errno: errno).plainReason)"
        default: description
        }
    }
}

extension SystemError {
    /// The error in words that no engine takes for another.
    package var words: String { subject.isEmpty ? "\(call): \(plainReason)" : "\(call) \(subject): \(plainReason)" }

    fileprivate var plainReason: String {
        switch errno {
        case ENOENT: "nothing of that name is there"
        case EACCES: "access was refused"
        case EPERM: "the kernel does not allow it"
        case ENOTDIR: "a part of the path is no directory"
        case EISDIR: "the name is that of a folder"
        case ESRCH: "the process is gone"
        default: reason
        }
    }
}
