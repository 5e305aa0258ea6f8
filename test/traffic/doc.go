// Package traffic tests the whole program from the outside. Manifests enter;
// the real dispatcher binary runs the real nginx on them, and HTTP requests ask
// which Pod answered and what it saw. The Pods are small servers, each on a
// loopback address of its own. It never looks at Dispatcher's inner state.
//
// A scenario is a few lines:
//
//	func TestSomething(t *testing.T) {
//		t.Parallel()
//		web := newPod(t, "shop", "web-0", at("/app"))           // an echo server and its manifest
//		d := start(t, namespace("shop", "www.example.com"), web) // returns when it is ready
//		got := d.ask("www.example.com", "/app/1?x=2")            // one request, byte for byte
//		if got.Pod != "web-0" || got.URI != "/app/1?x=2" {
//			t.Errorf("got %+v", got)
//		}
//		web.Annotations[pathsKey] = `[{"basePath": "/other", "containerPort": 3000}]`
//		d.apply(web) // writes the manifest anew
//		d.eventually("the new path is served", func() bool { return d.try("www.example.com", "/other").Pod == "web-0" })
//	}
//
// When a test ends, its Dispatcher is stopped and no nginx may be left. When a
// test fails, Dispatcher's log is shown. NGINX_BINARY names another nginx, and
// DISPATCHER_BINARY a Dispatcher that is already built. DYNAMICTIME (150s) lets tests
// of endpoints that change without a reload last longer, and show more.
package traffic
