# What a workload says of itself to Leadline, where something else than Terraform deploys it: annotations of its pod template.
# A deployment that Terraform makes has the same in spec.template.metadata.annotations (docs/sources/kubernetes.md).
# Changing the template rolls the workload out: annotate with the version that is being deployed, in the same step.

terraform {
  required_providers {
    kubernetes = {
      source  = "hashicorp/kubernetes"
      version = ">= 2.23"
    }
  }
}

variable "workload" {
  description = "The Deployment and its namespace."
  type        = object({ name = string, namespace = string })
}

variable "environment" {
  description = "Where it runs, in words the catalogue classes: production, staging."
  type        = string
}

variable "release" {
  description = "What is deployed: its version, and the repository of its code."
  type        = object({ version = string, repo = string })
}

variable "product" {
  description = "The product it belongs to."
  type        = string
}

variable "team" {
  description = "Who owns the product."
  type        = string
}

resource "kubernetes_annotations" "leadline" {
  api_version = "apps/v1"
  kind        = "Deployment"

  metadata {
    name      = var.workload.name
    namespace = var.workload.namespace
  }

  template_annotations = {
    "info/environment" = var.environment
    "info/product"     = var.product
    "info/team"        = var.team
    "version"          = var.release.version
    "repo"             = var.release.repo
  }
}
