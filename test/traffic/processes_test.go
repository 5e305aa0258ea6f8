package traffic

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// process is what /proc tells of a process.
type process struct {
	pid, parent, group int
	zombie             bool
	command            string
}

// processes lists all processes that can be read.
func processes() []process {
	var out []process
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range dirs {
		pid, _ := strconv.Atoi(filepath.Base(dir))
		stat := readFile(dir + "/stat")
		_, rest, ok := strings.Cut(stat[max(0, strings.LastIndex(stat, ")")):], ") ")
		fields := strings.Fields(rest) // state, parent, group
		if !ok || len(fields) < 3 {
			continue // it has just ended
		}
		p := process{pid: pid, zombie: fields[0] == "Z", command: strings.ReplaceAll(readFile(dir+"/cmdline"), "\x00", " ")}
		p.parent, _ = strconv.Atoi(fields[1])
		p.group, _ = strconv.Atoi(fields[2])
		out = append(out, p)
	}
	return out
}

// masterPID reads the pid of nginx's master; 0 if there is none.
func (d *dispatcher) masterPID() int {
	pid, _ := strconv.Atoi(strings.TrimSpace(readFile(filepath.Join(d.work, "run", "nginx.pid"))))
	if pid > 0 {
		d.masters[pid] = true
	}
	return pid
}

// workers lists the worker processes of a master, old ones too.
func workers(master int) []int {
	var out []int
	for _, p := range processes() {
		if p.parent == master && !p.zombie {
			out = append(out, p.pid)
		}
	}
	return out
}

// leftovers lists the processes of this work folder's nginx: those whose command
// line names the folder, and those of a group that one of its masters has led.
func (d *dispatcher) leftovers() []int {
	var out []int
	for _, p := range processes() {
		ours := strings.Contains(p.command, d.work) || d.masters[p.group]
		if ours && !p.zombie && p.pid != os.Getpid() {
			out = append(out, p.pid)
		}
	}
	return out
}
