package directory

import (
	"testing"

	"github.com/30x/dispatcher/pkg/discovery"
	"github.com/30x/dispatcher/pkg/render"
)

// nginx asks for the names that Dispatcher answers for.
func TestDomain(t *testing.T) {
	if render.Domain != discovery.Domain {
		t.Errorf("nginx asks for names below %s, and those below %s are answered", render.Domain, discovery.Domain)
	}
}
