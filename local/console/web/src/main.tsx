// The console: a shell with three pages, each of which reads the server's JSON.
import "./styles/main.css";
import { render } from "preact";
import { Shell } from "./shell";

render(<Shell />, document.getElementById("app")!);
