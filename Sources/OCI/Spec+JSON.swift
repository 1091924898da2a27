// SPDX-License-Identifier: Apache-2.0

package import JSON

extension Spec: JSONRecord {
    package init(_: JSONBlank) { self.init(ociVersion: "") }

    package mutating func members(_ json: inout JSONMembers) throws(JSONError) {
        try json("ociVersion", &ociVersion)
        try json("process", &process)
        try json("root", &root)
        try json("hostname", &hostname)
        try json("domainname", &domainname)
        try json("mounts", &mounts)
        try json("hooks", &hooks)
        try json("annotations", &annotations)
        try json("linux", &linux)
    }
}

extension Spec.Root: JSONRecord {
    package init(_: JSONBlank) { self.init(path: "") }

    package mutating func members(_ json: inout JSONMembers) throws(JSONError) {
        try json("path", &path)
        try json("readonly", &readonly)
    }
}

extension Spec.IDMapping: JSONRecord {
    package init(_: JSONBlank) { self.init(containerID: 0, hostID: 0, size: 0) }

    package mutating func members(_ json: inout JSONMembers) throws(JSONError) {
        try json("containerID", &containerID)
        try json("hostID", &hostID)
        try json("size", &size)
    }
}

extension Spec.Process: JSONRecord {
    package init(_ blank: JSONBlank) { self.init(user: User(blank), cwd: "") }

    package mutating func members(_ json: inout JSONMembers) throws(JSONError) {
        try json("terminal", &terminal)
        try json("consoleSize", &consoleSize)
        // The spec asks for a user and its ids, but Go reads none as root, and so do the engines' runtimes.
        try json.ifPresent("user", &user)
        try json("args", &args)
        try json("env", &env)
        try json("cwd", &cwd)
        try json("capabilities", &capabilities)
        try json("rlimits", &rlimits)
        try json("noNewPrivileges", &noNewPrivileges)
        try json("apparmorProfile", &apparmorProfile)
        try json("oomScoreAdj", &oomScoreAdj)
        try json("scheduler", &scheduler)
        try json("selinuxLabel", &selinuxLabel)
        try json("ioPriority", &ioPriority)
        try json("execCPUAffinity", &execCPUAffinity)
    }
}

extension Spec.Process.ConsoleSize: JSONRecord {
    package init(_: JSONBlank) { self.init(height: 0, width: 0) }

    package mutating func members(_ json: inout JSONMembers) throws(JSONError) {
        try json("height", &height)
        try json("width", &width)
    }
}

extension Spec.Process.User: JSONRecord {
    package init(_: JSONBlank) { self.init(uid: 0, gid: 0) }

    package mutating func members(_ json: inout JSONMembers) throws(JSONError) {
        try json.ifPresent("uid", &uid)
        try json.ifPresent("gid", &gid)
        try json("umask", &umask)
        try json("additionalGids", &additionalGids)
        try json("username", &username)
    }
}

extension Spec.Process.Capabilities: JSONRecord {
    package init(_: JSONBlank) { self.init() }

    package mutating func members(_ json: inout JSONMembers) throws(JSONError) {
        try json("bounding", &bounding)
        try json("effective", &effective)
        try json("inheritable", &inheritable)
        try json("permitted", &permitted)
        try json("ambient", &ambient)
    }
}

extension Spec.Process.Rlimit: JSONRecord {
    package init(_: JSONBlank) { self.init(type: "", soft: 0, hard: 0) }

    package mutating func members(_ json: inout JSONMembers) throws(JSONError) {
        try json("type", &type)
        try json("soft", &soft)
        try json("hard", &hard)
    }
}

extension Spec.Process.Scheduler: JSONRecord {
    package init(_: JSONBlank) { self.init(policy: .other) }

    package mutating func members(_ json: inout JSONMembers) throws(JSONError) {
        try json("policy", &policy)
        try json("nice", &nice)
        try json("priority", &priority)
        try json("flags", &flags)
        try json("runtime", &runtime)
        try json("deadline", &deadline)
        try json("period", &period)
    }
}

extension Spec.Process.IOPriority: JSONRecord {
    package init(_: JSONBlank) { self.init(class: .bestEffort, priority: 0) }

    package mutating func members(_ json: inout JSONMembers) throws(JSONError) {
        try json("class", &self.class)
        try json.ifPresent("priority", &priority)
    }
}

extension Spec.Process.CPUAffinity: JSONRecord {
    package init(_: JSONBlank) { self.init() }

    package mutating func members(_ json: inout JSONMembers) throws(JSONError) {
        try json("initial", &initial)
        try json("final", &final)
    }
}

extension Spec.Mount: JSONRecord {
    package init(_: JSONBlank) { self.init(destination: "") }

    package mutating func members(_ json: inout JSONMembers) throws(JSONError) {
        try json("destination", &destination)
        try json("type", &type)
        try json("source", &source)
        try json("options", &options)
        try json("uidMappings", &uidMappings)
        try json("gidMappings", &gidMappings)
    }
}

extension Spec.Hooks: JSONRecord {
    package init(_: JSONBlank) { self.init() }

    package mutating func members(_ json: inout JSONMembers) throws(JSONError) {
        try json("prestart", &prestart)
        try json("createRuntime", &createRuntime)
        try json("createContainer", &createContainer)
        try json("startContainer", &startContainer)
        try json("poststart", &poststart)
        try json("poststop", &poststop)
    }
}

extension Spec.Hook: JSONRecord {
    package init(_: JSONBlank) { self.init(path: "") }

    package mutating func members(_ json: inout JSONMembers) throws(JSONError) {
        try json("path", &path)
        try json("args", &args)
        try json("env", &env)
        try json("timeout", &timeout)
    }
}
