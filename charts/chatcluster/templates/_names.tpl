{{- define "chatcluster.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* ChatClusters' network policies let pods of this name to the servers' internal port: it is the same in every release. */}}
{{- define "chatcluster.selector" -}}
app.kubernetes.io/name: chat-operator
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{/* Labels of everything that this chart makes. Where one of yours has the same name, it is the chart's that counts. */}}
{{- define "chatcluster.partLabels" -}}
{{- $own := dict
  "helm.sh/chart" (printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_")
  "app.kubernetes.io/part-of" "chatcluster"
  "app.kubernetes.io/managed-by" .Release.Service -}}
{{- mergeOverwrite (deepCopy .Values.commonLabels) $own | toYaml -}}
{{- end -}}

{{/* Labels of the operator's objects. */}}
{{- define "chatcluster.labels" -}}
{{- $own := include "chatcluster.selector" . | fromYaml -}}
{{- $_ := set $own "app.kubernetes.io/version" .Chart.AppVersion -}}
{{- mergeOverwrite (include "chatcluster.partLabels" . | fromYaml) $own | toYaml -}}
{{- end -}}

{{- define "chatcluster.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "chatcluster.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- required "serviceAccount.name: name the account, or have the chart make one with serviceAccount.create" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{/* The Service of the metrics API, and all else that is for it alone. */}}
{{- define "chatcluster.adapter" -}}
{{ include "chatcluster.fullname" . }}-adapter
{{- end -}}

{{/* An image, from the dictionary of its values and the chart. */}}
{{- define "chatcluster.image" -}}
{{- if .image.digest -}}
{{- printf "%s@%s" .image.repository .image.digest -}}
{{- else -}}
{{- printf "%s:%s" .image.repository (default .chart.AppVersion .image.tag) -}}
{{- end -}}
{{- end -}}
