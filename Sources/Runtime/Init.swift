// SPDX-License-Identifier: Apache-2.0
import Linux

/// What a container is, in order: the way of its first process from the clone to the program.
enum Init {
    static let steps: [Step] = [
        Step("bind to the parent's life", Steps.dieWithParent),
        Step("make namespaces", Steps.makeNamespaces),  // here and not by the clone: meanwhile the parent makes our cgroup
        Step("bring up loopback", Steps.bringUpLoopback),
        Step("set host name", Steps.setHostname),
        Step("cut off from the host's mounts", Steps.makeMountsPrivate),  // none of ours reaches the host, nor the other way round
        Step("wait for cgroup", Steps.waitForCgroup),
        Step("join cgroup", Steps.joinCgroup),  // before anything is made that should be counted
        Step("become root in the namespace", Steps.becomeRoot),  // before anything is made: what has no mapped owner cannot be made
        Step("new cgroup namespace", Steps.unshareCgroup),  // after joining the cgroup: its root is where we stand
        Step("new session keyring", Steps.joinKeyring),  // keyrings are in no namespace: without this we hold the caller's
        Step("make file systems", Steps.makeFileSystems),  // meanwhile the parent makes our root and what it binds
        Step("wait for the parent", Steps.waitToProceed),
        Step("attach root", Steps.attachRoot),
        Step("set up root", Steps.setUpRoot),  // proc, sys, dev, volumes, while the host's devices can still be seen
        Step("open proc", Steps.openProc),
        Step("set sysctls", Steps.setSysctls),  // before /proc/sys becomes read-only
        Step("make paths read-only", Steps.makeReadOnly),
        Step("mask paths", Steps.maskPaths),  // last among the mounts: nothing may be mounted over a mask
        Step("open terminal", Steps.openTerminal),  // before the pivot, through the container's own devpts
        Step("make mounts read-only", Steps.makeMountsReadOnly),  // after the terminal: /dev/console is in one
        Step("run createContainer hooks", Steps.stopForHooks),
        Step("change root", Steps.pivot),
        Step("set resource limits", Steps.setLimits),
        Step("start session", Steps.startSession),
        Step("open standard streams", Steps.openStdio),
        Step("shrink bounding set", Steps.limitBounding),  // needs CAP_SETPCAP, which goes next
        Step("wait for the network", Steps.waitForNetwork),  // late: the parent connects it while we do all that is above
        Step("find the program", Steps.findProgram),  // what is not there at create should not be heard of at start only
        Step("wait for start", Steps.waitForStart),
        Step("find home", Steps.findHome),  // hooks have the program's environment
        Step("run startContainer hooks", Steps.runStartHooks),
        Step("set scheduling", Steps.setScheduling),
        Step("set security label", Steps.setSecurityLabel),
        Step("make working directory", Steps.makeWorkingDirectory),  // as root: it is root's, as under docker
        Step("take identity", Steps.takeIdentity),  // groups, gid, uid in this order; capabilities are kept until the filter stands
        Step("enter working directory", Steps.enterWorkingDirectory),  // as the user: what it may not enter, it may not start in
        Step("pass over folders without it", Steps.passOver),  // as the user; the filter may forbid to look
        Step("let go of descriptors and signals", Steps.letGo),
        Step("limit memory and files", Steps.limitOurselves),  // so late because it binds us too; later still the filter may forbid it
        Step("confine", Steps.confine),  // no_new_privs, filter, capabilities
        Step("execute", Steps.execute),
    ]
}
