package requests

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/30x/dispatcher/test/internal/dispatcher"
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
var findPrograms = sync.OnceValues(func() (dispatcher.Programs, error) {
	return dispatcher.FindPrograms(context.Background(), filepath.Join("..", "..", ".."), binaryFolder)
})
