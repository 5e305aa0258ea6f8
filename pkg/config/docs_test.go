package config

import (
	"bytes"
	"strings"
	"testing"

	"github.com/30x/dispatcher/internal/page"
)

func TestConfigurationPageIsCurrent(t *testing.T) {
	page.Current(t, "../../docs/configuration.md", WriteMarkdown)
}

func TestUsageShowsTheCommandsSettings(t *testing.T) {
	for _, command := range []string{CommandRun, CommandRender, CommandNginx, CommandVersion} {
		var b bytes.Buffer
		if err := Usage(&b, command); err != nil {
			t.Fatal(err)
		}
		help := b.String()
		text := strings.Join(strings.Fields(help), " ") // without line breaks
		if !strings.HasPrefix(help, "Usage: dispatcher "+command+" ") {
			t.Errorf("%s: begins with %.40q", command, help)
		}
		for _, g := range groups() {
			has := false
			for _, s := range settings(new(Config)) {
				if s.Group == g && takes(command, s) {
					has = true
				}
				shown := strings.Contains(help, "\n  --"+s.Flag()+" ") || strings.Contains(help, "\n  --"+s.Flag()+"\n")
				if shown != takes(command, s) {
					t.Errorf("%s: --%s is shown: %t", command, s.Flag(), shown)
				}
				if shown && !strings.Contains(text, "["+s.Origin()+"]") {
					t.Errorf("%s: --%s is without environment name or default", command, s.Flag())
				}
			}
			if got := strings.Count(help, "\n"+string(g)+":\n"); has != (got == 1) {
				t.Errorf("%s: heading %q appears %d times", command, g, got)
			}
		}
		if got := strings.Contains(help, "-f, --file PATH") && strings.Contains(help, "--strict"); got != (command == CommandRender) {
			t.Errorf("%s: -f and --strict are shown: %t", command, got)
		}
		for line := range strings.Lines(help) {
			if len(line) > 81 {
				t.Errorf("%s: a line of %d columns: %q", command, len(line)-1, line)
			}
		}
	}
}
