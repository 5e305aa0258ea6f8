package traffic

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	harness "github.com/30x/dispatcher/test/internal/dispatcher"
)

// binaryFolder is where Dispatcher is built.
var binaryFolder string

func TestMain(m *testing.M) {
	var err error
	if binaryFolder, err = os.MkdirTemp("", "d"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	_ = os.RemoveAll(binaryFolder)
	os.Exit(code)
}

// findPrograms looks for nginx and builds Dispatcher, once for all tests.
var findPrograms = sync.OnceValues(func() (harness.Programs, error) {
	return harness.FindPrograms(context.Background(), filepath.Join("..", ".."), binaryFolder)
})

// needPrograms is findPrograms for a test. Without nginx the test is skipped, but
// not in CI.
func needPrograms(t testing.TB) harness.Programs {
	t.Helper()
	p, err := findPrograms()
	return harness.Need(t, p, err)
}
