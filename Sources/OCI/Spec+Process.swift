// SPDX-License-Identifier: Apache-2.0

extension Spec {
    /// What the container runs, and as whom (config.md, "Process").
    package struct Process: Equatable, Sendable {
        package var terminal: Bool?
        package var consoleSize: ConsoleSize?
        package var user: User
        package var args: [String]?
        package var env: [String]?
        package var cwd: String
        package var capabilities: Capabilities?
        package var rlimits: [Rlimit]?
        package var noNewPrivileges: Bool?
        package var apparmorProfile: String?
        package var oomScoreAdj: Int?
        package var scheduler: Scheduler?
        package var selinuxLabel: String?
        package var ioPriority: IOPriority?
        package var execCPUAffinity: CPUAffinity?

        package init(
            terminal: Bool? = nil, consoleSize: ConsoleSize? = nil, user: User = User(), args: [String]? = nil, env: [String]? = nil,
            cwd: String = "/", capabilities: Capabilities? = nil, rlimits: [Rlimit]? = nil, noNewPrivileges: Bool? = nil,
            apparmorProfile: String? = nil, oomScoreAdj: Int? = nil, scheduler: Scheduler? = nil, selinuxLabel: String? = nil,
            ioPriority: IOPriority? = nil, execCPUAffinity: CPUAffinity? = nil
        ) {
            self.terminal = terminal
            self.consoleSize = consoleSize
            self.user = user
            self.args = args
            self.env = env
            self.cwd = cwd
            self.capabilities = capabilities
            self.rlimits = rlimits
            self.noNewPrivileges = noNewPrivileges
            self.apparmorProfile = apparmorProfile
            self.oomScoreAdj = oomScoreAdj
            self.scheduler = scheduler
            self.selinuxLabel = selinuxLabel
            self.ioPriority = ioPriority
            self.execCPUAffinity = execCPUAffinity
        }
    }
}

extension Spec.Process {
    /// The terminal's size in characters.
    package struct ConsoleSize: Equatable, Sendable {
        package var height: UInt
        package var width: UInt

        package init(height: UInt, width: UInt) {
            self.height = height
            self.width = width
        }
    }

    /// Ids inside the container.
    package struct User: Equatable, Sendable {
        package var uid: UInt32
        package var gid: UInt32
        package var umask: UInt32?
        package var additionalGids: [UInt32]?
        package var username: String?

        package init(uid: UInt32 = 0, gid: UInt32 = 0, umask: UInt32? = nil, additionalGids: [UInt32]? = nil, username: String? = nil) {
            self.uid = uid
            self.gid = gid
            self.umask = umask
            self.additionalGids = additionalGids
            self.username = username
        }
    }

    /// The five sets of capabilities(7), by the kernel's names (`CAP_CHOWN`).
    package struct Capabilities: Equatable, Sendable {
        package var bounding: [String]?
        package var effective: [String]?
        package var inheritable: [String]?
        package var permitted: [String]?
        package var ambient: [String]?

        package init(
            bounding: [String]? = nil, effective: [String]? = nil, inheritable: [String]? = nil, permitted: [String]? = nil,
            ambient: [String]? = nil
        ) {
            self.bounding = bounding
            self.effective = effective
            self.inheritable = inheritable
            self.permitted = permitted
            self.ambient = ambient
        }
    }

    /// A limit of setrlimit(2), by its name (`RLIMIT_NOFILE`).
    package struct Rlimit: Equatable, Sendable {
        package var type: String
        package var soft: UInt64
        package var hard: UInt64

        package init(type: String, soft: UInt64, hard: UInt64) {
            self.type = type
            self.soft = soft
            self.hard = hard
        }
    }

    /// The arguments of sched_setattr(2); the last three, in nanoseconds, are for `SCHED_DEADLINE`.
    package struct Scheduler: Equatable, Sendable {
        package var policy: Policy
        package var nice: Int32?
        package var priority: Int32?
        package var flags: [Flag]?
        package var runtime: UInt64?
        package var deadline: UInt64?
        package var period: UInt64?

        package init(
            policy: Policy, nice: Int32? = nil, priority: Int32? = nil, flags: [Flag]? = nil, runtime: UInt64? = nil,
            deadline: UInt64? = nil, period: UInt64? = nil
        ) {
            self.policy = policy
            self.nice = nice
            self.priority = priority
            self.flags = flags
            self.runtime = runtime
            self.deadline = deadline
            self.period = period
        }

        package enum Policy: String, Vocabulary {
            case other = "SCHED_OTHER"
            case fifo = "SCHED_FIFO"
            case roundRobin = "SCHED_RR"
            case batch = "SCHED_BATCH"
            case iso = "SCHED_ISO"
            case idle = "SCHED_IDLE"
            case deadline = "SCHED_DEADLINE"

            package static var noun: String { "scheduling policy" }
        }

        package enum Flag: String, Vocabulary {
            case resetOnFork = "SCHED_FLAG_RESET_ON_FORK"
            case reclaim = "SCHED_FLAG_RECLAIM"
            case deadlineOverrun = "SCHED_FLAG_DL_OVERRUN"
            case keepPolicy = "SCHED_FLAG_KEEP_POLICY"
            case keepParameters = "SCHED_FLAG_KEEP_PARAMS"
            case utilizationClampMin = "SCHED_FLAG_UTIL_CLAMP_MIN"
            case utilizationClampMax = "SCHED_FLAG_UTIL_CLAMP_MAX"

            package static var noun: String { "scheduling flag" }
        }
    }

    /// The arguments of ioprio_set(2).
    package struct IOPriority: Equatable, Sendable {
        package var `class`: Class
        package var priority: Int

        package init(`class`: Class, priority: Int = 0) {
            self.class = `class`
            self.priority = priority
        }

        package enum Class: String, Vocabulary {
            case realTime = "IOPRIO_CLASS_RT"
            case bestEffort = "IOPRIO_CLASS_BE"
            case idle = "IOPRIO_CLASS_IDLE"

            package static var noun: String { "io priority class" }
        }
    }

    /// The processors (`0-3,7`) of a process that enters the container: until it has joined the cgroup, and from then on.
    package struct CPUAffinity: Equatable, Sendable {
        package var initial: String?
        package var final: String?

        package init(initial: String? = nil, final: String? = nil) {
            self.initial = initial
            self.final = final
        }
    }
}
