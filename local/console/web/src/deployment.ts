// What the page's header names.
import { signal } from "@preact/signals";
import { get } from "./api";

export interface Deployment {
  name?: string;
  environment?: string;
  url?: string;
  region?: string;
}

export const deployment = signal<Deployment>({});

export const loadDeployment = () =>
  get<Deployment>("/deployment").then(
    (value) => (deployment.value = value),
    () => undefined,
  );
