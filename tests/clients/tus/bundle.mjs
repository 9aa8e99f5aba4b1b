// What a page of an application would bundle.
import Uppy from "@uppy/core";
import Tus from "@uppy/tus";
import * as tus from "tus-js-client";

Object.assign(window, { Uppy, Tus, tus });
