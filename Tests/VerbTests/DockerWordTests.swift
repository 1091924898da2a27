// SPDX-License-Identifier: Apache-2.0
import Testing

/// What scripts that were written for docker say and read, and what is said to whoever errs. What is expected is what docker does, or, where it
/// is one of our own sentences, what a person needs to know.
@Suite(.enabled(if: Root.isUsable)) struct DockerWordTests {
    /// A script, and what it prints; errors too.
    struct Case: Sendable, CustomTestStringConvertible {
        let script: String
        let text: String
        var testDescription: String { script }
        init(_ script: String, _ text: String) { (self.script, self.text) = (script, text) }
    }

    static let cases = [
        // Who is who.
        Case(
            "$M run --rm --network host base sh -c '[ $(hostname) = '$(hostname)' ] && [ $HOSTNAME = '$(hostname)' ] && cat /etc/hostname' | grep -cx $(hostname)",
            "1"),
        Case("$M run --rm --network host -h box base hostname", "box"),
        Case(
            "$M run -d --name one -h box base sleep 1000 >/dev/null; $M run --rm --network container:one base sh -c 'hostname; cat /etc/hostname'",
            "box\nbox"),
        Case("$M create --name one base >/dev/null; $M inspect -f '{{.Name}}' /one; $M rm /one", "/one\n/one"),
        // Mounts.
        Case("mkdir a; $M run --rm -v $PWD/a:/m -v $PWD/a:/m base echo ran", "ran"),
        Case("mkdir a b; $M run --rm -v $PWD/a:/m -v $PWD/b:/m base echo ran", "minictl: there are two mounts at /m"),
        Case("$M run --rm --tmpfs /m --tmpfs /m:size=1m base sh -c 'df -k /m | grep -c 1024'", "1"),
        Case("$M run --rm --tmpfs /etc base ls -m /etc", "hostname, hosts, resolv.conf"),
        Case("mkdir e; $M run --rm -v $PWD/e:/etc base ls -m /etc; ls -m e", "hostname, hosts, resolv.conf\nhostname, hosts, resolv.conf"),
        Case(
            "mkdir e; echo x >e/hosts; $M run --rm -v $PWD/e:/etc:ro base sh -c 'ls /etc; grep -c localhost /etc/hosts'; cat e/hosts",
            "hosts\n2\nx"),
        Case(
            "for f in hosts hostname resolv.conf; do $M run --rm --read-only base sh -c \"echo >/etc/$f\" 2>/dev/null && echo written; done; echo done",
            "done"),
        Case(
            "$M run --rm -v $PWD:/etc/passwd base true",
            "minictl: cannot mount at /etc/passwd: it is no directory, and what is to be mounted there is one"),
        Case(
            "touch f; $M run --rm -v $PWD/f:/etc base true",
            "minictl: cannot mount at /etc: it is a directory, and what is to be mounted there is none"),
        Case(
            "touch f; $M run -d --name one base sleep 1000 >/dev/null; $M mount add one ./f /srv",
            "minictl: cannot mount at /srv: it is a directory, and what is to be mounted there is none"),
        Case(
            "$M run --rm --tmpfs /m:size=x base true",
            "minictl: --tmpfs: 'size=x' is no size, such as size=64m or size=50%; see 'minictl run --help'"),
        Case("$M run --rm -v /dev/null:/etc/passwd:ro base sh -c 'cat /etc/passwd; stat -c %F /etc/passwd'", "character special file"),
        Case("$M run --rm -v $PWD:/proc base true", "minictl: cannot mount at /proc: it lies in /proc"),
        Case(
            "$M run --rm -v $PWD:/sys/x base true",
            "minictl: cannot mount at /sys/x: it is not there, and cannot be made (read-only file system)"),
        // Files of options.
        Case("printf '\\357\\273\\277A=1\\r\\nB=2\\r\\n' >f; $M run --rm --env-file f base sh -c 'echo $A$B'", "12"),
        Case(
            "$M run --rm --env-file . base true",
            "minictl: --env-file: cannot read the file '.': is a directory; see 'minictl run --help'"),
        // What cannot be.
        Case("$M run --rm -w /etc/passwd base true", "minictl: the working directory /etc/passwd is no directory"),
        Case("$M run --rm --sysctl net.no.such=1 base true", "minictl: there is no sysctl net.no.such in this container's namespaces"),
        Case(
            "$M run --rm --cpuset-cpus 7777 base true 2>&1 | sed 's/processors [0-9-]*/processors N/'",
            "minictl: not all of 7777 can be had: this machine has the processors N, and the parent cgroup may have fewer"),
        Case(
            "$M run --rm -p 127.0.0.1:18099:80 -p 127.0.0.1:18099:81 base true",
            "minictl: the port 18099/tcp of 127.0.0.1 is asked for twice"),
        Case("$M run --rm --security-opt seccomp=builtin base grep Seccomp: /proc/self/status", "Seccomp:\t2"),
        // Images.
        Case(
            "$M create --name one base >/dev/null; for i in 1 2; do $M commit one words-age:$i >/dev/null; done; for f in since=words-age:1 before=words-age:2; do $M images -f reference=words-age -f $f --format '{{.Tag}}'; done; $M rmi words-age:1 words-age:2 >/dev/null",
            "2\n1"),
        Case(
            "$M create --name one base ls >/dev/null; $M commit -c 'ENTRYPOINT [\"e\"]' -c 'WORKDIR /a' -c 'WORKDIR b' -c 'ONBUILD RUN x' -c 'HEALTHCHECK --interval=2s --retries=4 CMD test -e /x' -c 'EXPOSE 9-10/udp 80' one words-entry >/dev/null; $M image inspect -f '{{json .Config.Entrypoint}} {{json .Config.Cmd}} {{.Config.WorkingDir}} {{.Config.OnBuild}} {{json .Config.Healthcheck}} {{json .Config.ExposedPorts}}' words-entry; $M rmi words-entry >/dev/null",
            #"["e"] null /a/b [RUN x] {"Test":["CMD-SHELL","test -e /x"],"Interval":2000000000,"Retries":4} {"80/tcp":{},"9-10/udp":{}}"#),
        Case(
            "$M create --name one base >/dev/null; for c in 'EXPOSE x' 'HEALTHCHECK --often=1 CMD x' 'HEALTHCHECK CMD' 'RUN x'; do $M commit -c \"$c\" one words-none; done",
            """
            minictl: 'x' is no port from 1 to 65535, or range of them; see 'minictl commit --help'
            minictl: there is no '--often' in HEALTHCHECK; see 'minictl commit --help'
            minictl: 'CMD' is neither NONE nor CMD and a command; see 'minictl commit --help'
            minictl: there is no change 'RUN'; there are CMD, ENTRYPOINT, ENV, EXPOSE, HEALTHCHECK, LABEL, ONBUILD, STOPSIGNAL, USER, VOLUME, WORKDIR; see 'minictl commit --help'
            """),
        // The rest.
        Case(
            "$M build -t x .; echo $?; $M --log-level error -D ps -q; $M -H tcp://x ps; echo $?; $M exec; echo $?; $M wait; echo $?",
            """
            minictl: images are not built here; 'buildah build' does it, and 'skopeo copy' brings what it makes; see 'minictl --help'
            1
            minictl: -H: there is no daemon to choose: containers are this machine's, in the folder that --root names; see 'minictl --help'
            125
            minictl: needs at least 2 arguments (CONTAINER COMMAND [ARG...]), got 0; see 'minictl exec --help'
            125
            minictl: needs at least 1 argument (CONTAINER [CONTAINER...]), got 0; see 'minictl wait --help'
            1
            """),
        Case("$M run -d --name one -w /tmp base sleep 1000 >/dev/null; $M exec -w '' -u '' one sh -c 'pwd; id -u'", "/tmp\n0"),
        Case(
            "$M volume create --name data; $M volume ls -q; $M volume create --name data more 2>/dev/null || echo refused",
            "data\ndata\nrefused"),
        Case("$M info -f '{{.OSType}} {{.CgroupDriver}} {{len .SecurityOptions}}' | sed 's/[34]$/N/'", "linux cgroupfs N"),
        Case("$M rmi -f nosuch 2>/dev/null; echo $?; $M rmi nosuch 2>/dev/null; echo $?", "0\n1"),
    ]

    @Test("Scripts get what they expect of docker, or a sentence that says why not", arguments: cases)
    func words(_ entry: Case) throws {
        let minictl = try Root()
        #expect(try minictl.sh("exec 2>&1; \(entry.script)").text == entry.text)
    }

    @Test("Templates see what docker's see, and a name that there is not is an error")
    func templates() throws {
        let minictl = try Root()
        try minictl.sh(
            "$M create --name one -v /anon -v /etc:/e:ro --device /dev/zero:/dev/z:r --ulimit nofile=50:60 --pid host --blkio-weight 0 -P --tmpfs /t:size=1m,mode=755 --tmpfs /u:ro --annotation a=b --group-add tty --group-add 0 --security-opt systempaths=unconfined base"
        )
        let cases = [
            ("{{.HostConfig.Privileged}} {{.HostConfig.PidMode}} {{.HostConfig.UTSMode}} {{.HostConfig.ShmSize}}", "false host  67108864"),
            ("{{json .HostConfig.Ulimits}}", #"[{"Name":"nofile","Hard":60,"Soft":50}]"#),
            (
                "{{json .HostConfig.Devices}}",
                #"[{"PathOnHost":"/dev/zero","PathInContainer":"/dev/z","CgroupPermissions":"r"}]"#
            ),
            ("{{json .HostConfig.Tmpfs}} {{json .HostConfig.Annotations}}", #"{"/t":"size=1m,mode=755","/u":"ro"} {"a":"b"}"#),
            ("{{.HostConfig.GroupAdd}} {{.HostConfig.PublishAllPorts}}", "[tty 0] true"),
            ("{{.HostConfig.SecurityOpt}} {{.HostConfig.Links}}", "[systempaths=unconfined] []"),
            (
                "{{range .Mounts}}{{.Type}}|{{.Driver}}|{{.Propagation}}|{{.RW}} {{end}}",
                "volume|local||true bind||rprivate|false tmpfs|||true tmpfs|||false "
            ),
            ("{{json .Config.Volumes}} {{.Config.Entrypoint}}", #"{"/anon":{}} []"#),
            ("{{.State.Health}} {{if .State.Health}}yes{{end}}{{.Config.Labels.nosuch}}", "<nil> <no value>"),
        ]
        for (template, text) in cases { #expect(try minictl("inspect -f '\(template)' one").text == text, "\(template)") }
        #expect(try minictl("inspect -f '' one").output.hasPrefix("[\n"))
        #expect(try minictl("image inspect -f '{{.Config.User}}|{{.Config.Entrypoint}}' base").text == "|[]")
        let mistake = try minictl("inspect -f '{{.State.Statu}}' one")
        #expect(mistake.code == 1 && mistake.output == "")
        #expect(mistake.error == "minictl: format, character 3: no field .Statu (did you mean .Status?)\n")
    }
}
