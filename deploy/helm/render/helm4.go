package main

import (
	"fmt"

	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	"helm.sh/helm/v4/pkg/chart/v2/lint"
	"helm.sh/helm/v4/pkg/chart/v2/lint/support"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	chartutil "helm.sh/helm/v4/pkg/chart/v2/util"
	"helm.sh/helm/v4/pkg/engine"
)

// helm4 is Helm 4.
type helm4 struct{}

func (helm4) render(folder string, text []byte, r release) (map[string]string, error) {
	chart, err := loader.Load(folder)
	if err != nil {
		return nil, err
	}
	if !chartutil.IsCompatibleRange(chart.Metadata.KubeVersion, r.kubernetes) {
		return nil, fmt.Errorf("the chart wants Kubernetes %s, and this is %s", chart.Metadata.KubeVersion, r.kubernetes)
	}
	capabilities := common.DefaultCapabilities.Copy()
	version, err := common.ParseKubeVersion(r.kubernetes)
	if err != nil {
		return nil, err
	}
	capabilities.KubeVersion = *version
	values, err := common.ReadValues(text)
	if err != nil {
		return nil, err
	}
	options := common.ReleaseOptions{Name: r.name, Namespace: r.namespace, Revision: 1, IsInstall: true}
	all, err := util.ToRenderValues(chart, values, options, capabilities)
	if err != nil {
		return nil, err
	}
	return engine.Render(chart, all)
}

func (helm4) lint(folder string, text []byte, namespace string) (findings []string, err error) {
	values, err := common.ReadValues(text)
	if err != nil {
		return nil, err
	}
	for _, m := range lint.RunAll(folder, values, namespace).Messages {
		if m.Severity >= support.WarningSev {
			findings = append(findings, m.Error())
		}
	}
	return findings, nil
}
