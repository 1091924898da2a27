// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Cgroups

private func hierarchy(_ mountinfo: String, _ cgroup: String) -> Hierarchy {
    Hierarchy(mountinfo: Array(mountinfo.utf8), cgroup: Array(cgroup.utf8))
}

@Suite struct HierarchyTests {
    @Test func `pure version 2 has one mount and our own place in it`() throws {
        let found = hierarchy(
            """
            23 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
            30 23 0:26 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:9 - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot

            """, "0::/user.slice/user-1000.slice/session-2.scope\n")
        #expect(found.mode == .unified)
        let mount = try #require(found.unified)
        #expect(mount.ownDirectory == "/sys/fs/cgroup/user.slice/user-1000.slice/session-2.scope")
        #expect(mount.directory(try CgroupPath("/minictl/a")) == "/sys/fs/cgroup/minictl/a")
        #expect(mount.directory(try CgroupPath("a")) == "/sys/fs/cgroup/user.slice/user-1000.slice/session-2.scope/a")
    }

    @Test func `hybrid with systemd's own hierarchy keeps controllers that are mounted together`() throws {
        let found = hierarchy(
            """
            31 23 0:26 / /sys/fs/cgroup ro,nosuid - tmpfs tmpfs ro,mode=755
            32 31 0:27 / /sys/fs/cgroup/unified rw,nosuid shared:10 - cgroup2 cgroup2 rw,nsdelegate
            33 31 0:28 / /sys/fs/cgroup/systemd rw,nosuid shared:11 - cgroup cgroup rw,xattr,name=systemd
            36 31 0:31 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid shared:15 - cgroup cgroup rw,cpu,cpuacct
            37 31 0:32 / /sys/fs/cgroup/net_cls,net_prio rw,nosuid shared:16 master:2 - cgroup cgroup rw,net_cls,net_prio
            38 31 0:33 / /sys/fs/cgroup/memory rw,nosuid shared:17 - cgroup cgroup rw,memory

            """,
            """
            12:net_cls,net_prio:/
            5:cpu,cpuacct:/user.slice
            4:memory:/user.slice/user-0.slice/session-1.scope
            1:name=systemd:/user.slice/user-0.slice/session-1.scope
            0::/user.slice/user-0.slice/session-1.scope

            """)
        #expect(found.mode == .hybrid)
        #expect(found.mounts.map(\.label) == ["", "name=systemd", "cpu,cpuacct", "net_cls,net_prio", "memory"])
        #expect(found.legacy(.cpuacct)?.ownDirectory == "/sys/fs/cgroup/cpu,cpuacct/user.slice")
        #expect(found.legacy(.netClass)?.ownDirectory == "/sys/fs/cgroup/net_cls,net_prio")
        #expect(found.legacy(.pids) == nil)
    }

    @Test func `controllers mounted one by one beside a version 2 mount are hybrid`() throws {
        let found = hierarchy(thisMountinfo, thisCgroup)
        #expect(found.mode == .hybrid)
        #expect(found.mounts.count == 10)
        #expect(found.legacy(.memory)?.ownDirectory == "/sys/fs/cgroup/memory/api/8da3")
        #expect(found.legacy(.cpu)?.ownDirectory == "/sys/fs/cgroup/cpu")
        #expect(found.legacy(.hugetlb) == nil)
        #expect(found.unified?.point == "/sys/fs/cgroup/unified")
    }

    @Test func `a mount that is covered by another does not count`() throws {
        let over = "50 41 0:60 / /sys/fs/cgroup/unified rw - tmpfs none rw,size=1m\n"
        #expect(hierarchy(thisMountinfo + over, thisCgroup).mode == .legacy)
        let above = "51 31 0:61 / /sys/fs/cgroup rw - tmpfs none rw\n"
        #expect(hierarchy(thisMountinfo + above, thisCgroup).mode == .none)
        let farAbove = "52 23 0:62 / /sys rw - sysfs none rw\n"
        #expect(
            hierarchy("31 24 0:28 / /sys/fs/cgroup rw - tmpfs t rw\n24 23 0:20 / /sys rw - sysfs s rw\n" + farAbove, thisCgroup).mode
                == .none)
        let beside = "53 23 0:62 / /sys/fs/cgroupX rw - tmpfs none rw\n"
        #expect(hierarchy(thisMountinfo + beside, thisCgroup).mode == .hybrid)
    }

    @Test func `in a container without a cgroup namespace the mount shows our own part only`() throws {
        let found = hierarchy(
            """
            900 800 0:33 /docker/4f5e /sys/fs/cgroup/memory ro,nosuid - cgroup cgroup rw,memory
            901 800 0:34 /docker/4f5e /sys/fs/cgroup/pids ro,nosuid - cgroup cgroup rw,pids

            """, "4:memory:/docker/4f5e\n3:pids:/docker/4f5e/inner\n2:cpu:/docker/4f5e\n")
        #expect(found.mode == .legacy)
        #expect(found.legacy(.memory)?.ownDirectory == "/sys/fs/cgroup/memory")
        #expect(found.legacy(.pids)?.ownDirectory == "/sys/fs/cgroup/pids/inner")
        #expect(found.legacy(.pids)?.directory(try CgroupPath("/x")) == "/sys/fs/cgroup/pids/x")
    }

    @Test func `a mount that does not show our own cgroup has no place for relative paths`() throws {
        let bound = hierarchy("30 23 0:26 /other /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n", "0::/otherwise\n")
        #expect(bound.unified?.ownDirectory == nil)
        let outside = hierarchy("30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n", "0::/../host\n")
        #expect(outside.unified?.directory(try CgroupPath("a")) == nil)
    }

    @Test func `of two mounts of one hierarchy the one that shows our own cgroup serves`() throws {
        let found = hierarchy(
            """
            30 23 0:26 /other /mnt/part rw - cgroup2 cgroup2 rw
            31 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw

            """, "0::/mine\n")
        #expect(found.mounts.map(\.point) == ["/sys/fs/cgroup"])
    }

    @Test func `a mount point with a space or a backslash is read as it is`() throws {
        let found = hierarchy("30 23 0:26 / /mnt/my\\040cg\\134x rw - cgroup2 cgroup2 rw\n", "0::/a:b\n")
        #expect(found.unified?.ownDirectory == "/mnt/my cg\\x/a:b")
    }

    @Test(arguments: [
        "", "\n", "1 2", "1 2 3:4 / /x rw", "- - - - - - cgroup cgroup", "1 1 0:1 / / rw - cgroup", "x\n\n  \n 9 9 cgroup2 - ",
    ])
    func `damaged or empty tables give no hierarchy`(text: String) {
        #expect(hierarchy(text, "0::/\n").mode == .none)
        #expect(hierarchy(text, "nonsense\n::\n:").mounts.isEmpty)
    }

    @Test func `systemd's hierarchy beside version 2 does not make it hybrid`() {
        let found = hierarchy(
            "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 c rw\n31 30 0:27 / /sys/fs/cgroup/systemd rw - cgroup c rw,name=systemd\n",
            "1:name=systemd:/\n0::/\n")
        #expect(found.mode == .unified)
    }
}

private let thisMountinfo = """
    23 1 254:0 / / rw,relatime - ext4 /dev/vda rw
    24 23 0:20 / /sys rw,relatime - sysfs sysfs rw
    31 24 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
    32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu
    33 31 0:30 / /sys/fs/cgroup/cpuacct rw,relatime - cgroup cgroup rw,cpuacct
    34 31 0:31 / /sys/fs/cgroup/cpuset rw,relatime - cgroup cgroup rw,cpuset
    35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
    36 31 0:33 / /sys/fs/cgroup/devices rw,relatime - cgroup cgroup rw,devices
    37 31 0:34 / /sys/fs/cgroup/freezer rw,relatime - cgroup cgroup rw,freezer
    38 31 0:35 / /sys/fs/cgroup/blkio rw,relatime - cgroup cgroup rw,blkio
    39 31 0:36 / /sys/fs/cgroup/pids rw,relatime - cgroup cgroup rw,pids
    40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,name=systemd
    41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw

    """

private let thisCgroup = """
    9:name=systemd:/
    8:pids:/
    7:blkio:/
    6:freezer:/
    5:devices:/
    4:memory:/api/8da3
    3:cpuset:/
    2:cpuacct:/
    1:cpu:/
    0::/

    """
