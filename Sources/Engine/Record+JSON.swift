// SPDX-License-Identifier: Apache-2.0
package import JSON

// The members of `state.json`, in the order they are written.

extension Record: JSONRecord {
    package init(_ blank: JSONBlank) {}

    package mutating func members(_ json: inout JSONMembers) throws(JSONError) {
        try json("id", &id)
        try json("name", &name)
        try json("image", &image)
        try json("imageID", &imageID)
        try json("layers", &layers)
        try json("created", &created)
        try json("command", &command)
        try json("entrypoint", &entrypoint)
        try json("labels", &labels)
        try json("terminal", &terminal)
        try json("interactive", &interactive)
        try json("stdinOnce", &stdinOnce)
        try json("isTemporary", &isTemporary)
        try json("hasInit", &hasInit)
        try json("stopSignal", &stopSignal)
        try json("stopTimeout", &stopTimeout)
        try json("network", &network)
        try json("endpoints", &endpoints)
        try json("ports", &ports)
        try json("published", &published)
        try json("shortcut", &shortcut)
        try json("exposed", &exposed)
        try json("publishesAll", &publishesAll)
        try json("extraGroups", &extraGroups)
        try json("resolver", &resolver)
        try json("hosts", &hosts)
        try json("links", &links)
        try json("ipc", &ipc)
        try json("attached", &attached)
        try json("lenders", &lenders)
        try json("users", &users)
        try json("groups", &groups)
        try json("slot", &slot)
        try json("joins", &joins)
        try json("cgroup", &cgroup)
        try json("memoryLimit", &memoryLimit)
        try json("log", &log)
        try json("mounts", &mounts)
        try json("filterKey", &filterKey)
        try json("seccomp", &seccomp)
        try json("restart", &restart)
        try json("health", &health)
        try json("restarts", &restarts)
        try json("stoppedByHand", &stoppedByHand)
        try json("retry", &retry)
        try json("start", &start)
        try json("end", &end)
    }
}

extension Record {
    /// What a table of containers shows of a record, and nothing else: most of the text is stepped over.
    init(shownOf json: JSONNode) throws(JSONError) {
        self.init()
        var members = try JSONMembers(reading: json)
        try members("id", &id)
        try members("name", &name)
        try members("image", &image)
        try members("created", &created)
        try members("command", &command)
        if let node = json["start"], !node.isNull { start = try Start(shownOf: node) }
        // Most have none of these, and to look whether they are there is less than to read that they are not.
        if json["published"] != nil { try members("published", &published) }
        if json["exposed"] != nil { try members("exposed", &exposed) }
        if json["health"] != nil { try members("health", &health) }
        if json["retry"] != nil { try members("retry", &retry) }
        if json["end"] != nil { try members("end", &end) }
        // Where its freezer is.
        if start?.inode == nil || start?.pausedAt != nil { try members("cgroup", &cgroup) }
    }
}

extension Record.Start {
    fileprivate init(shownOf json: JSONNode) throws(JSONError) {
        self.init()
        var json = try JSONMembers(reading: json)
        try json("pid", &pid)
        try json("startTime", &startTime)
        try json("inode", &inode)
        try json("boot", &boot)
        try json("at", &at)
        try json("pausedAt", &pausedAt)
    }
}

extension Record.Range: JSONRecord {
    package init(_ blank: JSONBlank) {}

    package mutating func members(_ json: inout JSONMembers) throws(JSONError) {
        try json("container", &container)
        try json("host", &host)
        try json("size", &size)
    }
}

extension Record.Log: JSONRecord {
    package init(_ blank: JSONBlank) {}

    package mutating func members(_ json: inout JSONMembers) throws(JSONError) {
        try json("driver", &driver)
        try json("maxSize", &maxSize)
        try json("maxFiles", &maxFiles)
    }
}

extension Record.MountPoint: JSONRecord {
    package init(_ blank: JSONBlank) {}

    package mutating func members(_ json: inout JSONMembers) throws(JSONError) {
        try json("type", &type)
        try json("name", &name)
        try json("source", &source)
        try json("destination", &destination)
        try json("writable", &writable)
        try json("anonymous", &anonymous)
        try json("lender", &lender)
        try json("live", &live)
    }
}

extension Record.MountPoint.Live: JSONRecord {
    package init(_ blank: JSONBlank) {}

    package mutating func members(_ json: inout JSONMembers) throws(JSONError) {
        try json("mount", &mount)
        try json("startTime", &startTime)
        try json("isKept", &isKept)
    }
}

extension Record.Start: JSONRecord {
    package init(_ blank: JSONBlank) {}

    package mutating func members(_ json: inout JSONMembers) throws(JSONError) {
        try json("pid", &pid)
        try json("startTime", &startTime)
        try json("inode", &inode)
        try json("boot", &boot)
        try json("namespace", &namespace)
        try json("at", &at)
        try json("pausedAt", &pausedAt)
        try json("pipes", &pipes)
        try json("lost", &lost)
    }
}

extension Record.Retry: JSONRecord {
    package init(_ blank: JSONBlank) {}

    package mutating func members(_ json: inout JSONMembers) throws(JSONError) {
        try json("at", &at)
        try json("boot", &boot)
        try json("exitCode", &exitCode)
    }
}

extension Record.End: JSONRecord {
    package init(_ blank: JSONBlank) {}

    package mutating func members(_ json: inout JSONMembers) throws(JSONError) {
        try json("exitCode", &exitCode)
        try json("at", &at)
        try json("outOfMemory", &outOfMemory)
        try json("reason", &reason)
    }
}
