package golden

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// shown are the behaviours that can be seen without traffic: what they are is
// written at the cases.
const shown = `
DF1 DF2 DF3 DF4 DF5 DF6 DF7 DF8 DF9 DF10 DF11 DF12 DF13 DF14 DF15 DF19 DF25 DF27 DF28 DF30 DF31 DF32
DX1 DX2 DX3 DX4 DX5 DX6 DX7 DX8 DX9 DX11 DX12 DX13 DX14 DX16 DX21 DX22 DX23 DX24 DX26 DX27 DX28 DX30 DX31 DX32 DX33 DX35
PF1 PF2 PF3 PF4 PF5 PF9 PF12 PF13 PF14
PX5 PX7 PX12 PX13 PX14 PX17
KF1 KF2 KF3 KF4 KX4 KX7 KX9
HF1 HF2 HF3 HF4 HX1 HX2 HX5 HX6 HX9 HX10 HX12
EF1 EF2 EF3 EF4 EF5 EF6 EX1 EX2 EX3 EX4 EX5 EX6 EX7 EX9 EX10`

var behaviour = regexp.MustCompile(`\b[DPKHE][FX][0-9]+\b`)

// Every behaviour has a case, and every case is named after one that its comment explains.
func TestCasesNameTheirBehaviours(t *testing.T) {
	cases := map[string]bool{}
	prefix := regexp.MustCompile(`^([dpkhe][fx][0-9]{2}-)+`)
	padding := regexp.MustCompile(`^([DPKHE][FX])0`)
	for _, name := range archives(t) {
		archive, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		explained := behaviour.FindAllString(string(archive.Comment), -1)
		for _, id := range explained {
			cases[id] = true
		}
		ids := strings.FieldsFunc(prefix.FindString(filepath.Base(name)), func(r rune) bool { return r == '-' })
		if len(ids) == 0 {
			t.Errorf("%s: begin the name with a behaviour, like df01-", name)
		}
		for _, id := range ids {
			id = padding.ReplaceAllString(strings.ToUpper(id), "$1")
			if !slices.Contains(explained, id) {
				t.Errorf("%s: its comment does not say what it shows of %s", name, id)
			}
		}
	}
	for _, id := range strings.Fields(shown) {
		if !cases[id] {
			t.Errorf("no case shows %s", id)
		}
	}
}
