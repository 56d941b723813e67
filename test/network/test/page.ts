import { playInPage } from "@moq-game/contract/hosts/page";
import { deliveryCases } from "../src/delivery-case.js";
import { isolationCases } from "../src/isolation-cases.js";

playInPage([...deliveryCases, ...isolationCases]);
