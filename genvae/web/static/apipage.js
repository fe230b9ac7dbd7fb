// The API's own page, written from its OpenAPI description.

import { $, el } from "./dom.js";

let schemas = {};

/** The schema that a reference stands for. */
const resolve = (schema) => (schema.$ref ? { ...schemas[schema.$ref.split("/").pop()], ...schema } : schema);

/** A schema's type in a few words. */
function type(schema) {
  if (schema.$ref) return schema.$ref.split("/").pop();
  if (schema.anyOf) return schema.anyOf.map(type).join(" or ");
  if (schema.prefixItems) return `[${schema.prefixItems.map(type).join(", ")}]`;
  if (schema.type === "array") return `list of ${type(schema.items ?? {})}`;
  if (schema.additionalProperties) return `${type(schema.additionalProperties)} by name`;
  return schema.type ?? "anything";
}

function rows(fields) {
  return el("table", {}, el("thead", {}, el("tr", {}, ...["name", "type", "default", "meaning"].map((head) => el("th", { scope: "col" }, head)))),
    el("tbody", {}, ...fields.map(({ name, schema, required, description }) => el("tr", {},
      el("th", { scope: "row" }, name), el("td", {}, type(schema)),
      el("td", {}, required ? "required" : schema.default === undefined ? "" : JSON.stringify(schema.default)),
      el("td", {}, description ?? schema.description ?? "")))));
}

function fieldsOf(schema) {
  const { properties = {}, required = [] } = resolve(schema);
  return Object.entries(properties).map(([name, part]) => ({ name, schema: part, required: required.includes(name) }));
}

function operation(path, method, told) {
  const parts = [el("h2", {}, el("code", {}, `${method.toUpperCase()} ${path}`)), el("p", {}, (told.description ?? told.summary ?? "").replaceAll("`", ""))];
  if (told.parameters?.length) parts.push(el("h3", {}, "Query"), rows(told.parameters));
  for (const [media, { schema }] of Object.entries(told.requestBody?.content ?? {})) {
    parts.push(el("h3", {}, `Body: ${media}`));
    for (const each of schema.anyOf ?? [schema]) {
      if (each.$ref) parts.push(el("p", {}, `${type(each)}: ${resolve(each).description ?? ""}`), rows(fieldsOf(each)));
      else parts.push(el("p", {}, "The file itself, raw."));
    }
  }
  const answer = Object.entries(told.responses["200"].content ?? {}).map(([media, { schema }]) => `${media} (${type(schema ?? {})})`);
  parts.push(el("p", { class: "hint" }, `Answers ${answer.join(", ") || "with bytes"}.`));
  return el("section", {}, ...parts);
}

const answer = await fetch("api/openapi.json");
const { info, paths, components } = await answer.json();
schemas = components.schemas;
$("about").textContent = `${info.description} Version ${info.version}.`;
const sections = Object.entries(paths).flatMap(([path, methods]) => Object.entries(methods).map(([method, told]) => operation(path, method, told)));
const named = Object.entries(schemas).filter(([name]) => !/Validation|Request$/.test(name));
$("operations").replaceChildren(...sections, ...named.map(([name, schema]) =>
  el("section", {}, el("h2", {}, el("code", {}, name)), el("p", {}, schema.description ?? ""), rows(fieldsOf(schema)))));
