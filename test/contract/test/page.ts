import { playInPage } from "@moq-game/contract/hosts/page";
import { contractCases } from "../src/index.js";

playInPage(contractCases);
