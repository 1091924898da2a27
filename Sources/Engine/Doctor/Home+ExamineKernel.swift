// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux
import OCI
import Runtime

extension Home {
    var kernelFindings: [Finding] {
        [kernel, capabilities, user] + namespaces + [proc, seccomp, process, keyring, notification]
    }

    /// Only what is tried below tells what works; the number tells which way is taken.
    private var kernel: Finding {
        let release = "Linux \(Machine.kernelRelease)"
        guard Machine.kernel(atLeast: 5, 12) else {
            return Finding(
                "kernel", .fails, "\(release) cannot show files with other ids (`mount_setattr`, since 5.12)",
                remedy: "install a kernel from 5.19 on")
        }
        guard Machine.kernel(atLeast: 5, 19) else {
            return Finding(
                "kernel", .limited, "\(release) has no idmapped overlays (since 5.19), so containers need --userns host",
                remedy: "install a kernel from 5.19 on")
        }
        let way =
            Machine.kernel(atLeast: 6, 13) ? "layers are mounted by descriptor" : "layers are mounted by path (by descriptor from 6.13 on)"
        return Finding("kernel", .works, "\(release): \(way)")
    }

    private var capabilities: Finding {
        let available = ProcessCapabilities.available
        let missing = CapabilitySet.all.subtracting(available).names
        let needed = ["CAP_SYS_ADMIN", "CAP_SETUID", "CAP_SETGID", "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_MKNOD", "CAP_KILL"]
        let fatal = needed.filter(missing.contains)
        guard fatal.isEmpty else {
            return Finding(
                "capabilities", .fails, "this process lacks \(fatal.joined(separator: ", "))",
                remedy: "sudo minictl doctor, or start the container this runs in with --privileged")
        }
        guard missing.isEmpty else {
            let effect = missing.contains("CAP_SYS_RESOURCE") ? "; limits cannot be raised above those of this process" : ""
            return Finding("capabilities", .limited, "this machine withholds \(missing.joined(separator: ", "))\(effect)")
        }
        return Finding("capabilities", .works, "all \(available.names.count) are to be had")
    }

    private var user: Finding {
        guard let error = Trial.run(in: [.user, .mount], { () throws(SystemError) in try Mount.propagate(.private) }) else {
            return Finding("user namespaces", .works, "a container's root is nobody on this machine")
        }
        let limit = (try? File.readKernel("/proc/sys/user/max_user_namespaces"))?.filter { $0 != "\n" } ?? "?"
        let remedy: String? =
            switch error.errno {
            case ENOSPC: "sysctl -w user.max_user_namespaces=\(max(10_000, (Int(limit) ?? 0) &* 2))"
            case EINVAL, ENOSYS: "a kernel with CONFIG_USER_NS=y"
            case EPERM, EACCES: "allow user_namespaces in whatever confines this process (a container's seccomp filter, AppArmor)"
            default: nil
            }
        return Finding("user namespaces", .fails, "\(error); user.max_user_namespaces is \(limit)", remedy: remedy)
    }

    private var namespaces: [Finding] {
        let all: [(String, Namespaces, Finding.State, String)] = [
            ("mount namespaces", .mount, .fails, "files"), ("pid namespaces", .pid, .fails, "processes"),
            ("network namespaces", .network, .fails, "interfaces"), ("IPC namespaces", .ipc, .fails, "queues and shared memory"),
            ("UTS namespaces", .uts, .fails, "a host name"), ("cgroup namespaces", .cgroup, .limited, "a cgroup root"),
            ("time namespaces", .time, .limited, "clocks (--time-offset)"),
        ]
        return all.map { topic, namespace, severity, what in
            let error = Trial.run(in: .user) { () throws(SystemError) in
                try namespace.unshare()
                if namespace == .network { try Loopback.bringUp() }
            }
            guard let error else { return Finding(topic, .works, "\(what) of its own") }
            let isMissing = error.errno == EINVAL || error.errno == ENOSYS
            return Finding(topic, severity, "no \(what) of its own: \(error)", remedy: isMissing ? "a kernel that is built with them" : nil)
        }
    }

    /// The kernel gives a new /proc only to whom an unmasked one is in sight already (`mount_too_revealing`).
    private var proc: Finding {
        let error = Trial.run(in: [.user, .mount, .pid, .network, .ipc]) { () throws(SystemError) in
            _ = try FileSystemContext("proc").mount()
            _ = try FileSystemContext("sysfs").mount()
            _ = try FileSystemContext("mqueue").mount()
        }
        guard let error else { return Finding("/proc and /sys", .works, "a container has its own") }
        return Finding(
            "/proc and /sys", error.errno == EPERM ? .limited : .fails,
            "a container gets those of this machine, read-only: \(error)",
            remedy: error.errno == EPERM
                ? "if this is itself a container, start it with an unmasked /proc (--security-opt unmask=ALL)" : nil)
    }

    private var seccomp: Finding {
        let error = Trial.run { () throws(SystemError) in
            let standard = DefaultSeccomp(capabilities: DefaultCapabilities.names)
            guard let filter = try? SeccompFilter(compiling: standard.profile) else {
                throw SystemError(call: "compile", subject: "the default filter", errno: EINVAL)
            }
            _ = try filter.program.install()
            do throws(SystemError) { try Namespaces.user.unshare() } catch {
                guard error.errno == EPERM else { throw error }
                return
            }
            throw SystemError(call: "seccomp", subject: "the filter lets through what it forbids", errno: EPROTO)
        }
        guard let error else { return Finding("seccomp", .works, "the default filter is loaded and forbids what it should") }
        return Finding(
            "seccomp", .fails, "system call filters do not work: \(error)",
            remedy: "a kernel with CONFIG_SECCOMP_FILTER=y; until then --security-opt seccomp=unconfined")
    }

    private var process: Finding {
        let error = Trial.run { () throws(SystemError) in
            let handle = try ProcessHandle(pid: Process.current)
            guard try handle.pid() == Process.current else { throw SystemError(call: "pidfd_open", errno: ESRCH) }
        }
        guard let error else { return Finding("pidfd", .works, "processes are held by descriptor, not by number") }
        return Finding("pidfd", .fails, "\(error)", remedy: error.errno == ENOSYS ? "a kernel from 5.3 on" : "mount /proc")
    }

    private var keyring: Finding {
        guard let error = Trial.run({ () throws(SystemError) in try Keyring.joinNewSession("_doctor") }) else {
            return Finding("keyrings", .works, "a session keyring of its own for each container")
        }
        let isFull = error.errno == EDQUOT
        return Finding(
            "keyrings", .fails, "\(error)", remedy: isFull ? "sysctl -w kernel.keys.maxkeys=2000 kernel.keys.root_maxkeys=1000000" : nil)
    }

    private var notification: Finding {
        do throws(SystemError) {
            _ = try DirectoryWatch(runtime)
            return Finding("inotify", .works, "logs and events can be followed")
        } catch {
            return Finding(
                "inotify", .limited, "logs -f and events do not work: \(error)",
                remedy: error.errno == EMFILE ? "sysctl -w fs.inotify.max_user_instances=1024" : nil)
        }
    }
}
