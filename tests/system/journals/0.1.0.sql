BEGIN TRANSACTION;
CREATE TABLE actions (
	action_id INTEGER NOT NULL, 
	at DATETIME NOT NULL, 
	"by" VARCHAR(200) NOT NULL, 
	action VARCHAR(32) NOT NULL, 
	subject VARCHAR(200) NOT NULL, 
	concerns VARCHAR(64), 
	outcome TEXT NOT NULL, 
	CONSTRAINT pk_actions PRIMARY KEY (action_id)
);
INSERT INTO "actions" VALUES(1,'2026-11-28 19:50:36.085171','ada','refund','back_8de4b49a2bebcae9aca610ed','pay_6b0b3088e5fec01a46585ab1','a refund of 5.00 USD was opened: it was bent');
CREATE TABLE activities (
	node VARCHAR(32) NOT NULL, 
	user_id VARCHAR(200) NOT NULL, 
	chat_id VARCHAR(200) NOT NULL, 
	user_name TEXT, 
	is_on BOOLEAN NOT NULL, 
	at DATETIME NOT NULL, 
	change BIGINT NOT NULL, 
	CONSTRAINT pk_activities PRIMARY KEY (node, user_id, chat_id)
);
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0046');
CREATE TABLE alert_destinations (
	destination VARCHAR(400) NOT NULL, 
	last_told_at DATETIME, 
	failures INTEGER NOT NULL, 
	failing_since DATETIME, 
	next_try_at DATETIME, 
	problem TEXT, 
	is_undelivered BOOLEAN NOT NULL, 
	in_doubt TEXT, 
	CONSTRAINT pk_alert_destinations PRIMARY KEY (destination)
);
CREATE TABLE alert_steps (
	step_id INTEGER NOT NULL, 
	"key" VARCHAR(400) NOT NULL, 
	at DATETIME NOT NULL, 
	"by" VARCHAR(200) NOT NULL, 
	what VARCHAR(32) NOT NULL, 
	words TEXT NOT NULL, 
	CONSTRAINT pk_alert_steps PRIMARY KEY (step_id)
);
CREATE TABLE alerts (
	"key" VARCHAR(400) NOT NULL, 
	ended_at DATETIME, 
	settled_at DATETIME, 
	content TEXT NOT NULL, 
	CONSTRAINT pk_alerts PRIMARY KEY ("key")
);
CREATE TABLE allowed_destinations (
	seller_id VARCHAR(200) NOT NULL, 
	destination VARCHAR(200) NOT NULL, 
	coin VARCHAR(64) NOT NULL, 
	added_at DATETIME NOT NULL, 
	added_by VARCHAR(200) NOT NULL, 
	CONSTRAINT pk_allowed_destinations PRIMARY KEY (seller_id, destination)
);
CREATE TABLE book_entries (
	entry_id INTEGER NOT NULL, 
	entered_at DATETIME NOT NULL, 
	kind VARCHAR(16) NOT NULL, 
	unit VARCHAR(64) NOT NULL, 
	amount VARCHAR(120) NOT NULL, 
	payment_id VARCHAR(64) NOT NULL, 
	seller_id VARCHAR(200), 
	wallet VARCHAR(300), 
	payout_id VARCHAR(64), 
	CONSTRAINT pk_book_entries PRIMARY KEY (entry_id)
);
INSERT INTO "book_entries" VALUES(1,'2026-11-28 19:50:32.413531','received','USD','50.898','pay_6b0b3088119d7a0c8485902a',NULL,NULL,NULL);
INSERT INTO "book_entries" VALUES(2,'2026-11-28 19:50:32.413531','fee','USD','0.998','pay_6b0b3088119d7a0c8485902a',NULL,NULL,NULL);
INSERT INTO "book_entries" VALUES(3,'2026-11-28 19:50:32.413531','coin-in','ETH-USDT','50.898','pay_6b0b3088119d7a0c8485902a',NULL,'shkeeper',NULL);
INSERT INTO "book_entries" VALUES(4,'2026-11-28 19:50:32.413531','sale','USD','49.90','pay_6b0b3088119d7a0c8485902a','seller-1',NULL,NULL);
INSERT INTO "book_entries" VALUES(5,'2026-11-28 19:50:32.568383','received','USD','20.4','pay_6b0b3088e5fec01a46585ab1',NULL,NULL,NULL);
INSERT INTO "book_entries" VALUES(6,'2026-11-28 19:50:32.568383','fee','USD','0.40','pay_6b0b3088e5fec01a46585ab1',NULL,NULL,NULL);
INSERT INTO "book_entries" VALUES(7,'2026-11-28 19:50:32.568383','coin-in','ETH-USDT','20.4','pay_6b0b3088e5fec01a46585ab1',NULL,'shkeeper',NULL);
INSERT INTO "book_entries" VALUES(8,'2026-11-28 19:50:32.568383','sale','USD','20.00','pay_6b0b3088e5fec01a46585ab1','seller-1',NULL,NULL);
INSERT INTO "book_entries" VALUES(9,'2026-11-28 19:50:32.725895','received','USD','10','pay_6b0b308886b7cd4b232d308c',NULL,NULL,NULL);
INSERT INTO "book_entries" VALUES(10,'2026-11-28 19:50:32.725895','fee','USD','0.20','pay_6b0b308886b7cd4b232d308c',NULL,NULL,NULL);
INSERT INTO "book_entries" VALUES(11,'2026-11-28 19:50:32.725895','coin-in','ETH-USDT','10','pay_6b0b308886b7cd4b232d308c',NULL,'shkeeper',NULL);
INSERT INTO "book_entries" VALUES(12,'2026-11-28 19:50:36.012714','payout','USD','48.90','pay_6b0b3088119d7a0c8485902a','seller-1',NULL,'out_f812d51439354ace3461b0e7');
INSERT INTO "book_entries" VALUES(13,'2026-11-28 19:50:36.012714','coin-out','ETH-USDT','48.90','pay_6b0b3088119d7a0c8485902a',NULL,'shkeeper',NULL);
CREATE TABLE chain_alarms (
	alarm_id INTEGER NOT NULL, 
	chain VARCHAR(64) NOT NULL, 
	kind VARCHAR(32) NOT NULL, 
	block_number BIGINT NOT NULL, 
	message TEXT NOT NULL, 
	raised_at DATETIME NOT NULL, 
	CONSTRAINT pk_chain_alarms PRIMARY KEY (alarm_id)
);
CREATE TABLE chain_checkpoints (
	chain VARCHAR(64) NOT NULL, 
	following TEXT NOT NULL, 
	updated_at DATETIME NOT NULL, 
	CONSTRAINT pk_chain_checkpoints PRIMARY KEY (chain)
);
CREATE TABLE chain_transfers (
	chain VARCHAR(64) NOT NULL, 
	transfer_id VARCHAR(200) NOT NULL, 
	symbol VARCHAR(64) NOT NULL, 
	recipient VARCHAR(200) NOT NULL, 
	sender VARCHAR(200) NOT NULL, 
	amount VARCHAR(120) NOT NULL, 
	tx_hash VARCHAR(100) NOT NULL, 
	block_number BIGINT NOT NULL, 
	block_hash VARCHAR(100), 
	mined_at DATETIME NOT NULL, 
	payment_id VARCHAR(64), 
	payout_id VARCHAR(64), 
	reason TEXT, 
	CONSTRAINT pk_chain_transfers PRIMARY KEY (chain, transfer_id, symbol, recipient)
);
CREATE TABLE checkout_requests (
	request_id VARCHAR(200) NOT NULL, 
	payment_id VARCHAR(64) NOT NULL, 
	CONSTRAINT pk_checkout_requests PRIMARY KEY (request_id, payment_id)
);
CREATE TABLE checkout_sellers (
	seller_id VARCHAR(200) NOT NULL, 
	created_at DATETIME NOT NULL, 
	payment_id VARCHAR(64) NOT NULL, 
	CONSTRAINT pk_checkout_sellers PRIMARY KEY (seller_id, created_at, payment_id)
)
 WITHOUT ROWID

;
CREATE TABLE checkouts (
	checkout_id VARCHAR(200) NOT NULL, 
	payment_id VARCHAR(64) NOT NULL, 
	CONSTRAINT pk_checkouts PRIMARY KEY (checkout_id)
);
CREATE TABLE claims (
	claim TEXT NOT NULL, 
	payment_id VARCHAR(64) NOT NULL, 
	claimed_at DATETIME NOT NULL, 
	CONSTRAINT pk_claims PRIMARY KEY (claim)
)
 WITHOUT ROWID

;
INSERT INTO "claims" VALUES('shkeeper address 0xaadb286a2ed1f747b1138f5d5f612b7b1e29e89b','pay_6b0b308886b7cd4b232d308c','2026-11-28 19:50:32.353277');
INSERT INTO "claims" VALUES('shkeeper address 0xcc76f73a91b61932d22d4caa585c9cb4a8792c81','pay_6b0b3088e5fec01a46585ab1','2026-11-28 19:50:32.326342');
INSERT INTO "claims" VALUES('shkeeper address 0xfcadc1db98b298c5ec85c8a16de5e3bd7e51f1d9','pay_6b0b3088119d7a0c8485902a','2026-11-28 19:50:32.263336');
CREATE TABLE drafts (
	payment_id VARCHAR(64) NOT NULL, 
	payment TEXT NOT NULL, 
	wanted TEXT NOT NULL, 
	scope VARCHAR(64), 
	"key" VARCHAR(200), 
	request_digest VARCHAR(64), 
	checkout_id VARCHAR(200), 
	created_at DATETIME NOT NULL, 
	CONSTRAINT pk_drafts PRIMARY KEY (payment_id)
);
CREATE TABLE due_look_ups (
	payment_id VARCHAR(64) NOT NULL, 
	provider VARCHAR(64) NOT NULL, 
	due_at DATETIME NOT NULL, 
	CONSTRAINT pk_due_look_ups PRIMARY KEY (payment_id)
);
CREATE TABLE endpoint_deliveries (
	endpoint_id VARCHAR(64) NOT NULL, 
	message_id VARCHAR(64) NOT NULL, 
	event VARCHAR(100) NOT NULL, 
	"offset" BIGINT, 
	created_at DATETIME NOT NULL, 
	status VARCHAR(16) NOT NULL, 
	tries INTEGER NOT NULL, 
	last_at DATETIME, 
	next_at DATETIME, 
	answer_status INTEGER, 
	said TEXT NOT NULL, 
	took_ms INTEGER, 
	CONSTRAINT pk_endpoint_deliveries PRIMARY KEY (endpoint_id, message_id)
);
CREATE TABLE endpoints (
	endpoint_id VARCHAR(64) NOT NULL, 
	url TEXT NOT NULL, 
	events TEXT NOT NULL, 
	is_ordered BOOLEAN NOT NULL, 
	secrets TEXT NOT NULL, 
	service VARCHAR(64), 
	registered_by VARCHAR(200) NOT NULL, 
	registered_at DATETIME NOT NULL, 
	cursor BIGINT NOT NULL, 
	version BIGINT NOT NULL, 
	failing_since DATETIME, 
	disabled_at DATETIME, 
	disabled_by VARCHAR(200), 
	disabled_because TEXT, 
	missed BIGINT NOT NULL, 
	missed_at DATETIME, 
	missed_because TEXT, 
	CONSTRAINT pk_endpoints PRIMARY KEY (endpoint_id)
);
CREATE TABLE events (
	"offset" INTEGER NOT NULL, 
	name VARCHAR(100) NOT NULL, 
	everyone BOOLEAN NOT NULL, 
	rooms TEXT NOT NULL, 
	payload TEXT NOT NULL, 
	payment_id VARCHAR(64), 
	committed_at DATETIME NOT NULL, 
	subject VARCHAR(200), 
	CONSTRAINT pk_events PRIMARY KEY ("offset")
);
INSERT INTO "events" VALUES(1,'payment-created',1,'["request-request-1","user-buyer-1","user-seller-1"]','{"paymentId":"pay_6b0b3088119d7a0c8485902a","provider":"shkeeper","requestId":"request-1","buyerId":"buyer-1","sellerId":"seller-1","amount":"49.90","currency":"USD"}','pay_6b0b3088119d7a0c8485902a','2026-11-28 19:50:32.263336','request-1');
INSERT INTO "events" VALUES(2,'payment-created',1,'["request-request-2","user-buyer-1","user-seller-1"]','{"paymentId":"pay_6b0b3088e5fec01a46585ab1","provider":"shkeeper","requestId":"request-2","buyerId":"buyer-1","sellerId":"seller-1","amount":"20.00","currency":"USD"}','pay_6b0b3088e5fec01a46585ab1','2026-11-28 19:50:32.326342','request-2');
INSERT INTO "events" VALUES(3,'payment-created',1,'["request-request-3","user-buyer-1","user-seller-1"]','{"paymentId":"pay_6b0b308886b7cd4b232d308c","provider":"shkeeper","requestId":"request-3","buyerId":"buyer-1","sellerId":"seller-1","amount":"75.50","currency":"USD"}','pay_6b0b308886b7cd4b232d308c','2026-11-28 19:50:32.353277','request-3');
INSERT INTO "events" VALUES(4,'payment-update',1,'["request-request-1","user-buyer-1","user-seller-1"]','{"paymentId":"pay_6b0b3088119d7a0c8485902a","status":"completed","escrowState":"funded","txHash":"0xffde31bbf8decddbd2318bb66a1fa4d388bc9fce9f79d88a66c1977a50076489"}','pay_6b0b3088119d7a0c8485902a','2026-11-28 19:50:32.413531','request-1');
INSERT INTO "events" VALUES(5,'payment-received',0,'["user-seller-1"]','{"purchaseRequestId":"request-1","amount":"49.90","currency":"USD","buyerId":"buyer-1"}','pay_6b0b3088119d7a0c8485902a','2026-11-28 19:50:32.413531','request-1');
INSERT INTO "events" VALUES(6,'purchase-request-update',0,'["request-request-1"]','{"type":"payment-completed","requestId":"request-1","status":"completed","paymentId":"pay_6b0b3088119d7a0c8485902a","txHash":"0xffde31bbf8decddbd2318bb66a1fa4d388bc9fce9f79d88a66c1977a50076489","provider":"shkeeper"}','pay_6b0b3088119d7a0c8485902a','2026-11-28 19:50:32.413531','request-1');
INSERT INTO "events" VALUES(7,'seller-offer-update',1,'["seller-seller-1"]','{"sellerId":"seller-1","requestId":"request-1","eventType":"payment-completed","data":{"offerId":null,"isSelected":true,"paymentId":"pay_6b0b3088119d7a0c8485902a","transactionHash":"0xffde31bbf8decddbd2318bb66a1fa4d388bc9fce9f79d88a66c1977a50076489"}}','pay_6b0b3088119d7a0c8485902a','2026-11-28 19:50:32.413531','request-1');
INSERT INTO "events" VALUES(8,'payment-progress',0,'["ops","request-request-1","user-buyer-1","user-seller-1"]','{"paymentId":"pay_6b0b3088119d7a0c8485902a","status":"completed","received":"49.90","missing":"0","fee":"0.998","missingFee":"0","currency":"USD","late":false,"confirmations":null,"requiredConfirmations":null,"txHash":"0xffde31bbf8decddbd2318bb66a1fa4d388bc9fce9f79d88a66c1977a50076489"}','pay_6b0b3088119d7a0c8485902a','2026-11-28 19:50:32.413531','request-1');
INSERT INTO "events" VALUES(9,'payment-update',1,'["request-request-2","user-buyer-1","user-seller-1"]','{"paymentId":"pay_6b0b3088e5fec01a46585ab1","status":"completed","escrowState":"funded","txHash":"0xc54f68ed9af4f0968f45ca6791c6b636751e50279e98047e41580d99bb269140"}','pay_6b0b3088e5fec01a46585ab1','2026-11-28 19:50:32.568383','request-2');
INSERT INTO "events" VALUES(10,'payment-received',0,'["user-seller-1"]','{"purchaseRequestId":"request-2","amount":"20.00","currency":"USD","buyerId":"buyer-1"}','pay_6b0b3088e5fec01a46585ab1','2026-11-28 19:50:32.568383','request-2');
INSERT INTO "events" VALUES(11,'purchase-request-update',0,'["request-request-2"]','{"type":"payment-completed","requestId":"request-2","status":"completed","paymentId":"pay_6b0b3088e5fec01a46585ab1","txHash":"0xc54f68ed9af4f0968f45ca6791c6b636751e50279e98047e41580d99bb269140","provider":"shkeeper"}','pay_6b0b3088e5fec01a46585ab1','2026-11-28 19:50:32.568383','request-2');
INSERT INTO "events" VALUES(12,'seller-offer-update',1,'["seller-seller-1"]','{"sellerId":"seller-1","requestId":"request-2","eventType":"payment-completed","data":{"offerId":null,"isSelected":true,"paymentId":"pay_6b0b3088e5fec01a46585ab1","transactionHash":"0xc54f68ed9af4f0968f45ca6791c6b636751e50279e98047e41580d99bb269140"}}','pay_6b0b3088e5fec01a46585ab1','2026-11-28 19:50:32.568383','request-2');
INSERT INTO "events" VALUES(13,'payment-progress',0,'["ops","request-request-2","user-buyer-1","user-seller-1"]','{"paymentId":"pay_6b0b3088e5fec01a46585ab1","status":"completed","received":"20.00","missing":"0","fee":"0.40","missingFee":"0","currency":"USD","late":false,"confirmations":null,"requiredConfirmations":null,"txHash":"0xc54f68ed9af4f0968f45ca6791c6b636751e50279e98047e41580d99bb269140"}','pay_6b0b3088e5fec01a46585ab1','2026-11-28 19:50:32.568383','request-2');
INSERT INTO "events" VALUES(14,'payment-update',1,'["request-request-3","user-buyer-1","user-seller-1"]','{"paymentId":"pay_6b0b308886b7cd4b232d308c","status":"partially_paid","escrowState":"none","txHash":"0xa727adf35419f46ece1e21c1a4baaa43373a8f38c30a97a1379c0776ed4e981b"}','pay_6b0b308886b7cd4b232d308c','2026-11-28 19:50:32.725895','request-3');
INSERT INTO "events" VALUES(15,'purchase-request-update',0,'["request-request-3"]','{"type":"payment-partially-paid","requestId":"request-3","status":"partially_paid","paymentId":"pay_6b0b308886b7cd4b232d308c","txHash":"0xa727adf35419f46ece1e21c1a4baaa43373a8f38c30a97a1379c0776ed4e981b","provider":"shkeeper"}','pay_6b0b308886b7cd4b232d308c','2026-11-28 19:50:32.725895','request-3');
INSERT INTO "events" VALUES(16,'payment-progress',0,'["ops","request-request-3","user-buyer-1","user-seller-1"]','{"paymentId":"pay_6b0b308886b7cd4b232d308c","status":"partially_paid","received":"9.80","missing":"65.70","fee":"0.20","missingFee":"1.31","currency":"USD","late":false,"confirmations":null,"requiredConfirmations":null,"txHash":"0xa727adf35419f46ece1e21c1a4baaa43373a8f38c30a97a1379c0776ed4e981b"}','pay_6b0b308886b7cd4b232d308c','2026-11-28 19:50:32.725895','request-3');
INSERT INTO "events" VALUES(17,'payment-created',1,'["request-request-4","user-buyer-2","user-seller-2"]','{"paymentId":"pay_6b0b30884e05b6384cae7e0f","provider":"shkeeper","requestId":"request-4","buyerId":"buyer-2","sellerId":"seller-2","amount":"12.00","currency":"USD"}','pay_6b0b30884e05b6384cae7e0f','2026-11-28 19:50:32.820431','request-4');
INSERT INTO "events" VALUES(18,'payment-update',1,'["request-request-1","user-buyer-1","user-seller-1"]','{"paymentId":"pay_6b0b3088119d7a0c8485902a","status":"completed","escrowState":"releasing"}','pay_6b0b3088119d7a0c8485902a','2026-11-28 19:50:32.838625','request-1');
INSERT INTO "events" VALUES(19,'payout-created',1,'["user-seller-1"]','{"payoutId":"out_f812d51439354ace3461b0e7","taskId":"96cc441d-999a-2292-2e47-e8caca6e936d","sellerId":"seller-1","amount":"48.90","currency":"ETH-USDT"}','pay_6b0b3088119d7a0c8485902a','2026-11-28 19:50:32.910700',NULL);
INSERT INTO "events" VALUES(20,'payout-updated',1,'["user-seller-1"]','{"payoutId":"out_f812d51439354ace3461b0e7","status":"broadcast"}','pay_6b0b3088119d7a0c8485902a','2026-11-28 19:50:34.994910',NULL);
INSERT INTO "events" VALUES(21,'payout-updated',1,'["user-seller-1"]','{"payoutId":"out_f812d51439354ace3461b0e7","status":"completed"}','pay_6b0b3088119d7a0c8485902a','2026-11-28 19:50:36.012714',NULL);
INSERT INTO "events" VALUES(22,'payout-completed',1,'["user-seller-1"]','{"payoutId":"out_f812d51439354ace3461b0e7","taskId":"96cc441d-999a-2292-2e47-e8caca6e936d","txHash":"0xdbf1028501f4dbd48b28cc94b2281f4de038302bc3845eaaee11d7a874e82031"}','pay_6b0b3088119d7a0c8485902a','2026-11-28 19:50:36.012714',NULL);
INSERT INTO "events" VALUES(23,'payment-update',1,'["request-request-1","user-buyer-1","user-seller-1"]','{"paymentId":"pay_6b0b3088119d7a0c8485902a","status":"completed","escrowState":"released"}','pay_6b0b3088119d7a0c8485902a','2026-11-28 19:50:36.012714','request-1');
INSERT INTO "events" VALUES(24,'refund-opened',0,'["ops","request-request-2","user-buyer-1"]','{"refundId":"back_8de4b49a2bebcae9aca610ed","paymentId":"pay_6b0b3088e5fec01a46585ab1","status":"awaiting_address","amount":"5.00","currency":"USD"}','pay_6b0b3088e5fec01a46585ab1','2026-11-28 19:50:36.085171','request-2');
INSERT INTO "events" VALUES(25,'template-checkout-payment-failed',1,'["template-checkout-c1"]','{"checkoutId":"c1","reason":"of long ago"}',NULL,'2026-11-28 19:50:36.180845',NULL);
CREATE TABLE forgotten_payouts (
	external_id VARCHAR(64) NOT NULL, 
	provider VARCHAR(64) NOT NULL, 
	payment_id VARCHAR(64) NOT NULL, 
	payee_id VARCHAR(200) NOT NULL, 
	coin VARCHAR(64) NOT NULL, 
	said TEXT NOT NULL, 
	found_at DATETIME NOT NULL, 
	CONSTRAINT pk_forgotten_payouts PRIMARY KEY (external_id, coin)
);
CREATE TABLE histories (
	epoch VARCHAR(32) NOT NULL, 
	began_at DATETIME NOT NULL, 
	beginning VARCHAR(32) NOT NULL, 
	evidence TEXT NOT NULL, 
	last_commit_at DATETIME, 
	comparison TEXT, 
	compared_at DATETIME, 
	marked_epoch VARCHAR(32), 
	CONSTRAINT pk_histories PRIMARY KEY (epoch)
);
INSERT INTO "histories" VALUES('718b9fc46c876042','2026-11-28 19:50:16.283734','new','[]',NULL,NULL,NULL,NULL);
CREATE TABLE idempotency_keys (
	scope VARCHAR(64) NOT NULL, 
	"key" VARCHAR(200) NOT NULL, 
	request_digest VARCHAR(64) NOT NULL, 
	result TEXT NOT NULL, 
	created_at DATETIME NOT NULL, 
	CONSTRAINT pk_idempotency_keys PRIMARY KEY (scope, "key")
);
INSERT INTO "idempotency_keys" VALUES('payouts','k1','19b12f04bec4c302600b2de3cd9abe15a07d87f375e27ee8f7e32edcc186011d','["out_f812d51439354ace3461b0e7"]','2026-11-28 19:50:32.838625');
INSERT INTO "idempotency_keys" VALUES('refunds','k2','ea394166bd0a3bca6446c40a97199c90ceff8044074e03158fb646fde4f2b427','"back_8de4b49a2bebcae9aca610ed"','2026-11-28 19:50:36.085171');
CREATE TABLE invoice_addresses (
	payment_id VARCHAR(64) NOT NULL, 
	coin VARCHAR(64) NOT NULL, 
	address TEXT NOT NULL, 
	given_at DATETIME NOT NULL, 
	CONSTRAINT pk_invoice_addresses PRIMARY KEY (payment_id, coin, address)
);
INSERT INTO "invoice_addresses" VALUES('pay_6b0b3088119d7a0c8485902a','ETH-USDT','0xfcaDC1Db98B298c5ec85c8A16de5e3Bd7e51F1D9','2026-11-28 19:50:32.263336');
INSERT INTO "invoice_addresses" VALUES('pay_6b0b3088e5fec01a46585ab1','ETH-USDT','0xCC76F73A91b61932D22d4Caa585c9cB4a8792C81','2026-11-28 19:50:32.326342');
INSERT INTO "invoice_addresses" VALUES('pay_6b0b308886b7cd4b232d308c','ETH-USDT','0xAAdB286A2ed1f747B1138f5d5F612B7B1E29E89B','2026-11-28 19:50:32.353277');
CREATE TABLE invoices (
	payment_id VARCHAR(64) NOT NULL, 
	coin VARCHAR(64) NOT NULL, 
	wanted TEXT NOT NULL, 
	wanted_at DATETIME NOT NULL, 
	opened TEXT, 
	refused TEXT, 
	CONSTRAINT pk_invoices PRIMARY KEY (payment_id, coin)
);
INSERT INTO "invoices" VALUES('pay_6b0b3088119d7a0c8485902a','ETH-USDT','{"provider":"shkeeper","externalId":"pay_6b0b3088119d7a0c8485902a","callbackUrl":"http://127.0.0.1:18111/webhooks/shkeeper","coin":"ETH-USDT","amount":"49.90","currency":"USD"}','2026-11-28 19:50:32.263336','{"address":"0xfcaDC1Db98B298c5ec85c8A16de5e3Bd7e51F1D9","checkoutUrl":null,"alsoAt":[],"coinAmount":"50.898","coinDecimals":6,"exchangeRate":"1","asked":"50.9","displayName":"ERC20 USDT","paymentUri":"0xfcaDC1Db98B298c5ec85c8A16de5e3Bd7e51F1D9","uriTemplate":"0xfcaDC1Db98B298c5ec85c8A16de5e3Bd7e51F1D9","wholeOnly":false,"priceSeconds":null,"lapsesAt":null,"quotedUntil":null}',NULL);
INSERT INTO "invoices" VALUES('pay_6b0b3088e5fec01a46585ab1','ETH-USDT','{"provider":"shkeeper","externalId":"pay_6b0b3088e5fec01a46585ab1","callbackUrl":"http://127.0.0.1:18111/webhooks/shkeeper","coin":"ETH-USDT","amount":"20.00","currency":"USD"}','2026-11-28 19:50:32.326342','{"address":"0xCC76F73A91b61932D22d4Caa585c9cB4a8792C81","checkoutUrl":null,"alsoAt":[],"coinAmount":"20.4","coinDecimals":6,"exchangeRate":"1","asked":"20.4","displayName":"ERC20 USDT","paymentUri":"0xCC76F73A91b61932D22d4Caa585c9cB4a8792C81","uriTemplate":"0xCC76F73A91b61932D22d4Caa585c9cB4a8792C81","wholeOnly":false,"priceSeconds":null,"lapsesAt":null,"quotedUntil":null}',NULL);
INSERT INTO "invoices" VALUES('pay_6b0b308886b7cd4b232d308c','ETH-USDT','{"provider":"shkeeper","externalId":"pay_6b0b308886b7cd4b232d308c","callbackUrl":"http://127.0.0.1:18111/webhooks/shkeeper","coin":"ETH-USDT","amount":"75.50","currency":"USD"}','2026-11-28 19:50:32.353277','{"address":"0xAAdB286A2ed1f747B1138f5d5F612B7B1E29E89B","checkoutUrl":null,"alsoAt":[],"coinAmount":"77.01","coinDecimals":6,"exchangeRate":"1","asked":"77.01","displayName":"ERC20 USDT","paymentUri":"0xAAdB286A2ed1f747B1138f5d5F612B7B1E29E89B","uriTemplate":"0xAAdB286A2ed1f747B1138f5d5F612B7B1E29E89B","wholeOnly":false,"priceSeconds":null,"lapsesAt":null,"quotedUntil":null}',NULL);
CREATE TABLE journal (
	epoch VARCHAR(32) NOT NULL, 
	created_at DATETIME NOT NULL, 
	secret VARCHAR(64), 
	ground TEXT, 
	writer VARCHAR(16), 
	proven_at DATETIME, 
	commits BIGINT DEFAULT '0' NOT NULL, 
	oldest_beside VARCHAR(32), 
	lately_moved TEXT, 
	CONSTRAINT pk_journal PRIMARY KEY (epoch)
);
INSERT INTO "journal" VALUES('718b9fc46c876042','2026-11-28 19:50:16.283734','aec8536593d4469c0ce5c86cdf545dbe3f31919858adf6332b8f199ec560d54a','{"kind":"file","device":65024,"inode":2190077,"bornAtNs":1795895416119705546}','0d177b58fec11c8e',NULL,25,'0046',NULL);
CREATE TABLE leases (
	name VARCHAR(64) NOT NULL, 
	node VARCHAR(32) NOT NULL, 
	expires_at DATETIME NOT NULL, 
	said TEXT, 
	CONSTRAINT pk_leases PRIMARY KEY (name)
);
CREATE TABLE nodes (
	node VARCHAR(32) NOT NULL, 
	began_at DATETIME NOT NULL, 
	seen_at DATETIME NOT NULL, 
	report TEXT, 
	CONSTRAINT pk_nodes PRIMARY KEY (node)
);
CREATE TABLE observations (
	observation_id INTEGER NOT NULL, 
	provider VARCHAR(64) NOT NULL, 
	"key" VARCHAR(128) NOT NULL, 
	external_id VARCHAR(200) NOT NULL, 
	payment_id VARCHAR(64), 
	observation TEXT NOT NULL, 
	effect VARCHAR(32), 
	status VARCHAR(32), 
	escrow_state VARCHAR(32), 
	received VARCHAR(120), 
	received_at DATETIME NOT NULL, 
	CONSTRAINT pk_observations PRIMARY KEY (observation_id), 
	CONSTRAINT uq_observations_provider_key UNIQUE (provider, "key")
);
INSERT INTO "observations" VALUES(1,'shkeeper','invoice:47cc93605069a7b61d2adf1c987f654e2b3e143fef25a6487530c8582a7c5a1d','pay_6b0b3088119d7a0c8485902a','pay_6b0b3088119d7a0c8485902a','{"kind":"invoice-snapshot","standing":2,"currency":"USD","received":"50.898","transfers":[{"transferId":"0xffde31bbf8decddbd2318bb66a1fa4d388bc9fce9f79d88a66c1977a50076489","asset":"ETH-USDT","amount":"50.898","value":"50.898","fee":"0.998","occurredAt":"2026-11-28T19:50:32Z"}],"causedBy":"0xffde31bbf8decddbd2318bb66a1fa4d388bc9fce9f79d88a66c1977a50076489","proven":null,"settlingSeconds":{},"agreed":null,"address":"0xfcaDC1Db98B298c5ec85c8A16de5e3Bd7e51F1D9","aboveLimit":"0.00","elsewhere":[],"places":{},"unreadable":[],"callsPaid":true,"coin":"ETH-USDT","fee":{"policy":"percent","percent":"2","fixed":"0"},"heardAt":null}','applied','completed','funded','49.90','2026-11-28 19:50:32.413531');
INSERT INTO "observations" VALUES(2,'shkeeper','invoice:42701bdc35141d97f0fcc40b291edcaba5fefe0b7683cac984d79c3b661011b3','pay_6b0b3088e5fec01a46585ab1','pay_6b0b3088e5fec01a46585ab1','{"kind":"invoice-snapshot","standing":2,"currency":"USD","received":"20.4","transfers":[{"transferId":"0xc54f68ed9af4f0968f45ca6791c6b636751e50279e98047e41580d99bb269140","asset":"ETH-USDT","amount":"20.4","value":"20.4","fee":"0.4","occurredAt":"2026-11-28T19:50:32Z"}],"causedBy":"0xc54f68ed9af4f0968f45ca6791c6b636751e50279e98047e41580d99bb269140","proven":null,"settlingSeconds":{},"agreed":null,"address":"0xCC76F73A91b61932D22d4Caa585c9cB4a8792C81","aboveLimit":"0.00","elsewhere":[],"places":{},"unreadable":[],"callsPaid":true,"coin":"ETH-USDT","fee":{"policy":"percent","percent":"2","fixed":"0"},"heardAt":null}','applied','completed','funded','20.00','2026-11-28 19:50:32.568383');
INSERT INTO "observations" VALUES(3,'shkeeper','invoice:e0b89485dc7bc1bb280a1fa10a3542cf7e287ad0541d31f2f30c428f6ef51ed6','pay_6b0b308886b7cd4b232d308c','pay_6b0b308886b7cd4b232d308c','{"kind":"invoice-snapshot","standing":1,"currency":"USD","received":"10","transfers":[{"transferId":"0xa727adf35419f46ece1e21c1a4baaa43373a8f38c30a97a1379c0776ed4e981b","asset":"ETH-USDT","amount":"10","value":"10","fee":"0.1960784314","occurredAt":"2026-11-28T19:50:32Z"}],"causedBy":"0xa727adf35419f46ece1e21c1a4baaa43373a8f38c30a97a1379c0776ed4e981b","proven":null,"settlingSeconds":{},"agreed":null,"address":"0xAAdB286A2ed1f747B1138f5d5F612B7B1E29E89B","aboveLimit":"0.00","elsewhere":[],"places":{},"unreadable":[],"callsPaid":false,"coin":"ETH-USDT","fee":{"policy":"percent","percent":"2","fixed":"0"},"heardAt":null}','applied','partially_paid','none','9.80','2026-11-28 19:50:32.725895');
INSERT INTO "observations" VALUES(4,'shkeeper','escrow:out_f812d51439354ace3461b0e7:0','pay_6b0b3088119d7a0c8485902a','pay_6b0b3088119d7a0c8485902a','{"kind":"escrow-released","payoutId":"out_f812d51439354ace3461b0e7","sellerId":"seller-1","release":1,"worth":"48.90","step":0}','applied','completed','releasing','49.90','2026-11-28 19:50:32.838625');
INSERT INTO "observations" VALUES(5,'shkeeper','escrow:out_f812d51439354ace3461b0e7:3','pay_6b0b3088119d7a0c8485902a','pay_6b0b3088119d7a0c8485902a','{"kind":"escrow-released","payoutId":"out_f812d51439354ace3461b0e7","sellerId":"seller-1","release":1,"worth":"48.90","step":3}','unchanged','completed','releasing','49.90','2026-11-28 19:50:34.994910');
INSERT INTO "observations" VALUES(6,'shkeeper','escrow:out_f812d51439354ace3461b0e7:7','pay_6b0b3088119d7a0c8485902a','pay_6b0b3088119d7a0c8485902a','{"kind":"escrow-released","payoutId":"out_f812d51439354ace3461b0e7","sellerId":"seller-1","release":3,"worth":"48.90","step":7}','applied','completed','released','49.90','2026-11-28 19:50:36.012714');
INSERT INTO "observations" VALUES(7,'shkeeper','refund:back_8de4b49a2bebcae9aca610ed:0','pay_6b0b3088e5fec01a46585ab1','pay_6b0b3088e5fec01a46585ab1','{"kind":"refund-moved","refundId":"back_8de4b49a2bebcae9aca610ed","of":"goods","sellerId":"seller-1","amount":"5.00","release":1,"step":0,"carriedBy":null}','unchanged','completed','funded','20.00','2026-11-28 19:50:36.085171');
CREATE TABLE payments (
	payment_id VARCHAR(64) NOT NULL, 
	provider VARCHAR(64) NOT NULL, 
	external_id VARCHAR(200) NOT NULL, 
	request_id VARCHAR(200) NOT NULL, 
	buyer_id VARCHAR(200) NOT NULL, 
	seller_id VARCHAR(200) NOT NULL, 
	offer_id VARCHAR(200), 
	amount VARCHAR(120) NOT NULL, 
	currency VARCHAR(32) NOT NULL, 
	created_at DATETIME NOT NULL, 
	expires_at DATETIME, 
	facts TEXT NOT NULL, 
	status VARCHAR(32) NOT NULL, 
	escrow_state VARCHAR(32) NOT NULL, 
	due_at DATETIME, 
	updated_at DATETIME NOT NULL, 
	checkout TEXT, 
	direct TEXT, 
	return_url TEXT, 
	chain VARCHAR(64), 
	recipient VARCHAR(200), 
	completed_at DATETIME, 
	search_text TEXT NOT NULL, 
	terms TEXT NOT NULL, 
	problems TEXT, 
	problems_at DATETIME, 
	entered_at DATETIME, 
	CONSTRAINT pk_payments PRIMARY KEY (payment_id), 
	CONSTRAINT uq_payments_provider_external_id UNIQUE (provider, external_id)
);
INSERT INTO "payments" VALUES('pay_6b0b3088119d7a0c8485902a','shkeeper','pay_6b0b3088119d7a0c8485902a','request-1','buyer-1','seller-1',NULL,'49.90','USD','2026-11-28 19:50:32.051901','2126-11-29 19:50:32.051901','{"standing":2,"books":{"balance":"50.898","transferIds":["0xffde31bbf8decddbd2318bb66a1fa4d388bc9fce9f79d88a66c1977a50076489"],"isWhole":true},"asked":null,"unreadable":null,"borrowed":[],"taken":[],"contestedBy":[],"booked":[{"transfer":{"transferId":"0xffde31bbf8decddbd2318bb66a1fa4d388bc9fce9f79d88a66c1977a50076489","asset":"ETH-USDT","amount":"50.898","value":"50.898","fee":"0.998","occurredAt":"2026-11-28T19:50:32Z"},"isProven":true,"firstToldAt":"2026-11-28T19:50:32.413531Z","lastToldAt":null,"firstHeardAt":null,"lastHeardAt":null,"settlingSeconds":0,"doubts":null,"spread":null}],"seen":[],"given":["0xfcaDC1Db98B298c5ec85c8A16de5e3Bd7e51F1D9"],"emptiedAt":null,"forgottenAt":null,"foundAt":null,"feesSaid":{"ETH-USDT":[{"policy":"percent","percent":"2","fixed":"0"}]},"feesPriced":{"ETH-USDT":"0.998"},"rates":{"ETH-USDT":["1","1"]},"usualRates":{},"coin":"ETH-USDT","coinSince":"2026-11-28T19:50:32.263336Z","completed":true,"deadlinePassed":null,"patienceEnded":null,"waitingUntil":null,"accepted":false,"acceptedAt":null,"acceptedBy":[],"withdrawn":false,"cancelledRequests":[],"cancelledAt":{},"withheld":[],"endings":[],"refundedAt":null,"releases":{"seller-1":{"out_f812d51439354ace3461b0e7":{"release":3,"worth":"48.90","step":7}}},"refunds":{},"disputes":{},"sightings":[],"hints":[],"foundHints":[],"sharesRequest":false,"completedSiblings":[],"refundedSiblings":[],"misfits":[]}','completed','released','2026-11-29 19:50:32.051901','2026-11-28 19:50:36.012714',NULL,NULL,NULL,NULL,NULL,'2026-11-28 19:50:32.413531','pay_6b0b3088119d7a0c8485902a
request-1
buyer-1
seller-1
0xffde31bbf8decddbd2318bb66a1fa4d388bc9fce9f79d88a66c1977a50076489','{"tolerancePercent":"5","unconfirmedGraceSeconds":86400}',NULL,NULL,'2026-11-28 19:50:36.012714');
INSERT INTO "payments" VALUES('pay_6b0b3088e5fec01a46585ab1','shkeeper','pay_6b0b3088e5fec01a46585ab1','request-2','buyer-1','seller-1',NULL,'20.00','USD','2026-11-28 19:50:32.311978','2126-11-29 19:50:32.311978','{"standing":2,"books":{"balance":"20.4","transferIds":["0xc54f68ed9af4f0968f45ca6791c6b636751e50279e98047e41580d99bb269140"],"isWhole":true},"asked":null,"unreadable":null,"borrowed":[],"taken":[],"contestedBy":[],"booked":[{"transfer":{"transferId":"0xc54f68ed9af4f0968f45ca6791c6b636751e50279e98047e41580d99bb269140","asset":"ETH-USDT","amount":"20.4","value":"20.4","fee":"0.4","occurredAt":"2026-11-28T19:50:32Z"},"isProven":true,"firstToldAt":"2026-11-28T19:50:32.568383Z","lastToldAt":null,"firstHeardAt":null,"lastHeardAt":null,"settlingSeconds":0,"doubts":null,"spread":null}],"seen":[],"given":["0xCC76F73A91b61932D22d4Caa585c9cB4a8792C81"],"emptiedAt":null,"forgottenAt":null,"foundAt":null,"feesSaid":{"ETH-USDT":[{"policy":"percent","percent":"2","fixed":"0"}]},"feesPriced":{"ETH-USDT":"0.4"},"rates":{"ETH-USDT":["1","1"]},"usualRates":{},"coin":"ETH-USDT","coinSince":"2026-11-28T19:50:32.326342Z","completed":true,"deadlinePassed":null,"patienceEnded":null,"waitingUntil":null,"accepted":false,"acceptedAt":null,"acceptedBy":[],"withdrawn":false,"cancelledRequests":[],"cancelledAt":{},"withheld":[],"endings":[],"refundedAt":null,"releases":{},"refunds":{"back_8de4b49a2bebcae9aca610ed":{"of":"goods","sellerId":"seller-1","amount":"5.00","release":1,"step":0}},"disputes":{},"sightings":[],"hints":[],"foundHints":[],"sharesRequest":false,"completedSiblings":[],"refundedSiblings":[],"misfits":[]}','completed','funded','2026-11-29 19:50:32.311978','2026-11-28 19:50:36.085171',NULL,NULL,NULL,NULL,NULL,'2026-11-28 19:50:32.568383','pay_6b0b3088e5fec01a46585ab1
request-2
buyer-1
seller-1
0xc54f68ed9af4f0968f45ca6791c6b636751e50279e98047e41580d99bb269140','{"tolerancePercent":"5","unconfirmedGraceSeconds":86400}',NULL,NULL,'2026-11-28 19:50:36.085171');
INSERT INTO "payments" VALUES('pay_6b0b308886b7cd4b232d308c','shkeeper','pay_6b0b308886b7cd4b232d308c','request-3','buyer-1','seller-1',NULL,'75.50','USD','2026-11-28 19:50:32.341837','2126-11-29 19:50:32.341837','{"standing":1,"books":{"balance":"10","transferIds":["0xa727adf35419f46ece1e21c1a4baaa43373a8f38c30a97a1379c0776ed4e981b"],"isWhole":true},"asked":null,"unreadable":null,"borrowed":[],"taken":[],"contestedBy":[],"booked":[{"transfer":{"transferId":"0xa727adf35419f46ece1e21c1a4baaa43373a8f38c30a97a1379c0776ed4e981b","asset":"ETH-USDT","amount":"10","value":"10","fee":"0.1960784314","occurredAt":"2026-11-28T19:50:32Z"},"isProven":true,"firstToldAt":"2026-11-28T19:50:32.725895Z","lastToldAt":null,"firstHeardAt":null,"lastHeardAt":null,"settlingSeconds":0,"doubts":null,"spread":null}],"seen":[],"given":["0xAAdB286A2ed1f747B1138f5d5F612B7B1E29E89B"],"emptiedAt":null,"forgottenAt":null,"foundAt":null,"feesSaid":{"ETH-USDT":[{"policy":"percent","percent":"2","fixed":"0"}]},"feesPriced":{"ETH-USDT":"1.51"},"rates":{"ETH-USDT":["1","1"]},"usualRates":{},"coin":"ETH-USDT","coinSince":"2026-11-28T19:50:32.353277Z","completed":false,"deadlinePassed":null,"patienceEnded":null,"waitingUntil":null,"accepted":false,"acceptedAt":null,"acceptedBy":[],"withdrawn":false,"cancelledRequests":[],"cancelledAt":{},"withheld":[],"endings":[],"refundedAt":null,"releases":{},"refunds":{},"disputes":{},"sightings":[],"hints":[],"foundHints":[],"sharesRequest":false,"completedSiblings":[],"refundedSiblings":[],"misfits":[]}','partially_paid','none','2026-11-29 19:50:32.341837','2026-11-28 19:50:32.725895',NULL,NULL,NULL,NULL,NULL,NULL,'pay_6b0b308886b7cd4b232d308c
request-3
buyer-1
seller-1
0xa727adf35419f46ece1e21c1a4baaa43373a8f38c30a97a1379c0776ed4e981b','{"tolerancePercent":"5","unconfirmedGraceSeconds":86400}',NULL,NULL,'2026-11-28 19:50:32.725895');
INSERT INTO "payments" VALUES('pay_6b0b30884e05b6384cae7e0f','shkeeper','order-1004','request-4','buyer-2','seller-2',NULL,'12.00','USD','2026-11-28 19:50:32.820066','2126-11-29 19:50:32.820066','{"standing":0,"books":{"balance":"0","transferIds":[],"isWhole":true},"asked":null,"unreadable":null,"borrowed":[],"taken":[],"contestedBy":[],"booked":[],"seen":[],"given":[],"emptiedAt":null,"forgottenAt":null,"foundAt":null,"feesSaid":{},"feesPriced":{},"rates":{},"usualRates":{},"coin":null,"coinSince":null,"completed":false,"deadlinePassed":null,"patienceEnded":null,"waitingUntil":null,"accepted":false,"acceptedAt":null,"acceptedBy":[],"withdrawn":false,"cancelledRequests":[],"cancelledAt":{},"withheld":[],"endings":[],"refundedAt":null,"releases":{},"refunds":{},"disputes":{},"sightings":[],"hints":[],"foundHints":[],"sharesRequest":false,"completedSiblings":[],"refundedSiblings":[],"misfits":[]}','pending','none','2026-11-29 19:50:32.820066','2026-11-28 19:50:32.820431',NULL,NULL,NULL,NULL,NULL,NULL,'pay_6b0b30884e05b6384cae7e0f
order-1004
request-4
buyer-2
seller-2','{"tolerancePercent":"5","unconfirmedGraceSeconds":86400}',NULL,NULL,'2026-11-28 19:50:32.820431');
CREATE TABLE payout_holds (
	hold_id INTEGER NOT NULL, 
	held_at DATETIME NOT NULL, 
	held_by VARCHAR(200) NOT NULL, 
	note TEXT, 
	epoch VARCHAR(32), 
	CONSTRAINT pk_payout_holds PRIMARY KEY (hold_id)
);
CREATE TABLE payout_names (
	external_id VARCHAR(64) NOT NULL, 
	payout_id VARCHAR(64) NOT NULL, 
	CONSTRAINT pk_payout_names PRIMARY KEY (external_id, payout_id)
);
INSERT INTO "payout_names" VALUES('out_10ea9ee587828e9e67c43d46','out_f812d51439354ace3461b0e7');
CREATE TABLE payout_observations (
	observation_id INTEGER NOT NULL, 
	payout_id VARCHAR(64) NOT NULL, 
	"key" VARCHAR(128) NOT NULL, 
	observation TEXT NOT NULL, 
	effect VARCHAR(32) NOT NULL, 
	status VARCHAR(32) NOT NULL, 
	received_at DATETIME NOT NULL, 
	CONSTRAINT pk_payout_observations PRIMARY KEY (observation_id), 
	CONSTRAINT uq_payout_observations_payout_id_key UNIQUE (payout_id, "key")
);
INSERT INTO "payout_observations" VALUES(1,'out_f812d51439354ace3461b0e7','asked:1','{"kind":"payout-asked","attempt":1,"at":"2026-11-28T19:50:32.882793Z","externalId":"out_10ea9ee587828e9e67c43d46"}','applied','created','2026-11-28 19:50:32.882793');
INSERT INTO "payout_observations" VALUES(2,'out_f812d51439354ace3461b0e7','outcome:1','{"kind":"payout-accepted","taskId":"96cc441d-999a-2292-2e47-e8caca6e936d","parts":1,"overNoChain":false,"expectedWithinSeconds":null}','applied','created','2026-11-28 19:50:32.910700');
INSERT INTO "payout_observations" VALUES(3,'out_f812d51439354ace3461b0e7','look:cd671fbd0450b8b0291d0f3036c18a8b7b5cc2a7cfe1ac61d15e7214ec3b6f2e','{"kind":"payout-sent","txHashes":["0xdbf1028501f4dbd48b28cc94b2281f4de038302bc3845eaaee11d7a874e82031"],"stated":{"coin":null,"amount":"48.9","destination":null}}','applied','broadcast','2026-11-28 19:50:34.994910');
INSERT INTO "payout_observations" VALUES(4,'out_f812d51439354ace3461b0e7','look:760c9a0c5dd95cd2df9df862c3132731a25f739d96f3b68642edd6cac0be41a8','{"kind":"payout-booked","externalId":"out_10ea9ee587828e9e67c43d46","stated":{"coin":"ETH-USDT","amount":"48.9000000000","destination":"0x52908400098527886E0F7030069857D2E4169EE7"}}','applied','broadcast','2026-11-28 19:50:34.994910');
INSERT INTO "payout_observations" VALUES(5,'out_f812d51439354ace3461b0e7','look:6f61ab0bf3924ccc7e354d407c813f5de31ec8306062d17211e00da19fa03cd2','{"kind":"payout-sent","txHashes":["0xdbf1028501f4dbd48b28cc94b2281f4de038302bc3845eaaee11d7a874e82031"],"stated":{"coin":"ETH-USDT","amount":"48.9000000000","destination":"0x52908400098527886E0F7030069857D2E4169EE7"}}','unchanged','broadcast','2026-11-28 19:50:34.994910');
INSERT INTO "payout_observations" VALUES(6,'out_f812d51439354ace3461b0e7','payout:fe0875e1119abc944952b97cbfb9ee44e79ef09c23bc303bb39ca4d75fff0cb0:0','{"kind":"payout-sent","txHashes":["0xdbf1028501f4dbd48b28cc94b2281f4de038302bc3845eaaee11d7a874e82031"],"stated":{"coin":"ETH-USDT","amount":"48.9000000000","destination":null}}','unchanged','broadcast','2026-11-28 19:50:36.012714');
INSERT INTO "payout_observations" VALUES(7,'out_f812d51439354ace3461b0e7','payout:fe0875e1119abc944952b97cbfb9ee44e79ef09c23bc303bb39ca4d75fff0cb0:1','{"kind":"payout-confirmed","stated":{"coin":"ETH-USDT","amount":"48.9000000000","destination":null},"overNoChain":false}','applied','completed','2026-11-28 19:50:36.012714');
INSERT INTO "payout_observations" VALUES(8,'out_f812d51439354ace3461b0e7','payout:fe0875e1119abc944952b97cbfb9ee44e79ef09c23bc303bb39ca4d75fff0cb0:2','{"kind":"payout-booked","externalId":"out_10ea9ee587828e9e67c43d46","stated":{"coin":"ETH-USDT","amount":"48.9000000000","destination":null}}','unchanged','completed','2026-11-28 19:50:36.012714');
CREATE TABLE payout_transactions (
	tx_key VARCHAR(600) NOT NULL, 
	payout_id VARCHAR(64) NOT NULL, 
	CONSTRAINT pk_payout_transactions PRIMARY KEY (tx_key, payout_id)
);
INSERT INTO "payout_transactions" VALUES('dbf1028501f4dbd48b28cc94b2281f4de038302bc3845eaaee11d7a874e82031','out_f812d51439354ace3461b0e7');
CREATE TABLE payouts (
	payout_id VARCHAR(64) NOT NULL, 
	provider VARCHAR(64) NOT NULL, 
	payment_id VARCHAR(64) NOT NULL, 
	seller_id VARCHAR(200) NOT NULL, 
	destination VARCHAR(1000) NOT NULL, 
	coin VARCHAR(64) NOT NULL, 
	amount VARCHAR(120) NOT NULL, 
	fee VARCHAR(120), 
	worth VARCHAR(120), 
	created_at DATETIME NOT NULL, 
	facts TEXT NOT NULL, 
	status VARCHAR(32) NOT NULL, 
	updated_at DATETIME NOT NULL, 
	batch_id VARCHAR(64), 
	chain VARCHAR(64), 
	sender VARCHAR(200), 
	completed_at DATETIME, 
	search_text TEXT NOT NULL, 
	ended_in_doubt BOOLEAN NOT NULL, 
	refund_id VARCHAR(64), 
	buyer_id VARCHAR(200), 
	worth_currency VARCHAR(32), 
	asked_by VARCHAR(200), 
	asked_through VARCHAR(200), 
	cleared_at DATETIME, 
	overdue_at DATETIME, 
	entered_at DATETIME, 
	CONSTRAINT pk_payouts PRIMARY KEY (payout_id)
);
INSERT INTO "payouts" VALUES('out_f812d51439354ace3461b0e7','shkeeper','pay_6b0b3088119d7a0c8485902a','seller-1','0x52908400098527886E0F7030069857D2E4169EE7','ETH-USDT','48.90',NULL,'48.90','2026-11-28 19:50:32.838057','{"attempts":1,"voidAttempts":[],"refusedAttempts":[],"askedAt":"2026-11-28T19:50:32.882793Z","externalIds":{"1":"out_10ea9ee587828e9e67c43d46"},"booked":["out_10ea9ee587828e9e67c43d46"],"passedOn":[],"taskId":"96cc441d-999a-2292-2e47-e8caca6e936d","parts":1,"overNoChain":false,"expectedWithinSeconds":null,"known":true,"unclear":[],"doubts":[],"contradictions":[],"txHashes":["0xdbf1028501f4dbd48b28cc94b2281f4de038302bc3845eaaee11d7a874e82031"],"revertedHashes":[],"disownedHashes":[],"confirmed":true,"failures":[],"foundBy":[],"foundThrough":[],"withheld":[],"approved":null,"approvedReasons":[],"rejected":null,"returns":[],"returnReasons":[],"sightings":[],"settled":[]}','completed','2026-11-28 19:50:36.012714',NULL,NULL,NULL,'2026-11-28 19:50:36.012714','out_f812d51439354ace3461b0e7
pay_6b0b3088119d7a0c8485902a
seller-1
0x52908400098527886e0f7030069857d2e4169ee7
out_10ea9ee587828e9e67c43d46
96cc441d-999a-2292-2e47-e8caca6e936d
0xdbf1028501f4dbd48b28cc94b2281f4de038302bc3845eaaee11d7a874e82031',0,NULL,NULL,'USD','somebody',NULL,'2026-11-28 19:50:32.838057','2026-11-29 19:50:32.838057','2026-11-28 19:50:36.012714');
CREATE TABLE refunds (
	refund_id VARCHAR(64) NOT NULL, 
	payment_id VARCHAR(64) NOT NULL, 
	provider VARCHAR(64) NOT NULL, 
	buyer_id VARCHAR(200) NOT NULL, 
	seller_id VARCHAR(200), 
	"of" VARCHAR(32) NOT NULL, 
	amount VARCHAR(120) NOT NULL, 
	currency VARCHAR(32) NOT NULL, 
	coin VARCHAR(64) NOT NULL, 
	reason TEXT NOT NULL, 
	opened_by VARCHAR(200) NOT NULL, 
	opened_through VARCHAR(200), 
	opened_at DATETIME NOT NULL, 
	cancelled_by VARCHAR(200), 
	payout_id VARCHAR(64), 
	destination VARCHAR(1000), 
	coin_amount VARCHAR(120), 
	given_by VARCHAR(200), 
	given_at DATETIME, 
	payout_status VARCHAR(32), 
	tx_hash VARCHAR(200), 
	status VARCHAR(32) NOT NULL, 
	updated_at DATETIME NOT NULL, 
	CONSTRAINT pk_refunds PRIMARY KEY (refund_id)
);
INSERT INTO "refunds" VALUES('back_8de4b49a2bebcae9aca610ed','pay_6b0b3088e5fec01a46585ab1','shkeeper','buyer-1','seller-1','goods','5.00','USD','ETH-USDT','it was bent','ada',NULL,'2026-11-28 19:50:36.085171',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'awaiting_address','2026-11-28 19:50:36.085171');
CREATE TABLE revocations (
	kind VARCHAR(8) NOT NULL, 
	name VARCHAR(200) NOT NULL, 
	room VARCHAR(300) NOT NULL, 
	revoked_at DATETIME NOT NULL, 
	revoked_by VARCHAR(200) NOT NULL, 
	note TEXT, 
	restored_at DATETIME, 
	CONSTRAINT pk_revocations PRIMARY KEY (kind, name, room)
);
CREATE TABLE room_events (
	room VARCHAR(300) NOT NULL, 
	last_offset INTEGER NOT NULL, 
	offsets TEXT NOT NULL, 
	CONSTRAINT pk_room_events PRIMARY KEY (room, last_offset)
)
 WITHOUT ROWID

;
INSERT INTO "room_events" VALUES('',1,'[1]');
INSERT INTO "room_events" VALUES('',2,'[2]');
INSERT INTO "room_events" VALUES('',3,'[3]');
INSERT INTO "room_events" VALUES('',7,'[4,7]');
INSERT INTO "room_events" VALUES('',12,'[9,12]');
INSERT INTO "room_events" VALUES('',14,'[14]');
INSERT INTO "room_events" VALUES('',17,'[17]');
INSERT INTO "room_events" VALUES('',18,'[18]');
INSERT INTO "room_events" VALUES('',19,'[19]');
INSERT INTO "room_events" VALUES('',20,'[20]');
INSERT INTO "room_events" VALUES('',23,'[21,22,23]');
INSERT INTO "room_events" VALUES('',25,'[25]');
INSERT INTO "room_events" VALUES('ops',8,'[8]');
INSERT INTO "room_events" VALUES('ops',13,'[13]');
INSERT INTO "room_events" VALUES('ops',16,'[16]');
INSERT INTO "room_events" VALUES('ops',24,'[24]');
INSERT INTO "room_events" VALUES('request-request-1',1,'[1]');
INSERT INTO "room_events" VALUES('request-request-1',8,'[4,6,8]');
INSERT INTO "room_events" VALUES('request-request-1',18,'[18]');
INSERT INTO "room_events" VALUES('request-request-1',23,'[23]');
INSERT INTO "room_events" VALUES('request-request-2',2,'[2]');
INSERT INTO "room_events" VALUES('request-request-2',13,'[9,11,13]');
INSERT INTO "room_events" VALUES('request-request-2',24,'[24]');
INSERT INTO "room_events" VALUES('request-request-3',3,'[3]');
INSERT INTO "room_events" VALUES('request-request-3',16,'[14,15,16]');
INSERT INTO "room_events" VALUES('request-request-4',17,'[17]');
INSERT INTO "room_events" VALUES('seller-seller-1',7,'[7]');
INSERT INTO "room_events" VALUES('seller-seller-1',12,'[12]');
INSERT INTO "room_events" VALUES('template-checkout-c1',25,'[25]');
INSERT INTO "room_events" VALUES('user-buyer-1',1,'[1]');
INSERT INTO "room_events" VALUES('user-buyer-1',2,'[2]');
INSERT INTO "room_events" VALUES('user-buyer-1',3,'[3]');
INSERT INTO "room_events" VALUES('user-buyer-1',8,'[4,8]');
INSERT INTO "room_events" VALUES('user-buyer-1',13,'[9,13]');
INSERT INTO "room_events" VALUES('user-buyer-1',16,'[14,16]');
INSERT INTO "room_events" VALUES('user-buyer-1',18,'[18]');
INSERT INTO "room_events" VALUES('user-buyer-1',23,'[23]');
INSERT INTO "room_events" VALUES('user-buyer-1',24,'[24]');
INSERT INTO "room_events" VALUES('user-buyer-2',17,'[17]');
INSERT INTO "room_events" VALUES('user-seller-1',1,'[1]');
INSERT INTO "room_events" VALUES('user-seller-1',2,'[2]');
INSERT INTO "room_events" VALUES('user-seller-1',3,'[3]');
INSERT INTO "room_events" VALUES('user-seller-1',8,'[4,5,8]');
INSERT INTO "room_events" VALUES('user-seller-1',13,'[9,10,13]');
INSERT INTO "room_events" VALUES('user-seller-1',16,'[14,16]');
INSERT INTO "room_events" VALUES('user-seller-1',18,'[18]');
INSERT INTO "room_events" VALUES('user-seller-1',19,'[19]');
INSERT INTO "room_events" VALUES('user-seller-1',20,'[20]');
INSERT INTO "room_events" VALUES('user-seller-1',23,'[21,22,23]');
INSERT INTO "room_events" VALUES('user-seller-2',17,'[17]');
CREATE TABLE sessions (
	session_id VARCHAR(64) NOT NULL, 
	content TEXT NOT NULL, 
	updated_at DATETIME NOT NULL, 
	is_idle BOOLEAN DEFAULT 0 NOT NULL, 
	node VARCHAR(32), 
	is_connected BOOLEAN, 
	exchanges TEXT, 
	CONSTRAINT pk_sessions PRIMARY KEY (session_id)
);
CREATE TABLE unreadable_webhooks (
	webhook_id INTEGER NOT NULL, 
	provider VARCHAR(64) NOT NULL, 
	digest VARCHAR(64) NOT NULL, 
	body BLOB NOT NULL, 
	reason TEXT NOT NULL, 
	received_at DATETIME NOT NULL, 
	read_at DATETIME, 
	CONSTRAINT pk_unreadable_webhooks PRIMARY KEY (webhook_id), 
	CONSTRAINT uq_unreadable_webhooks_provider_digest UNIQUE (provider, digest)
);
CREATE INDEX ix_alerts_unsettled ON alerts ("key") WHERE settled_at IS NULL;
CREATE INDEX ix_alerts_ended_at ON alerts (ended_at);
CREATE INDEX ix_alert_steps_key ON alert_steps ("key");
CREATE INDEX ix_book_entries_seller_id_entered_at ON book_entries (seller_id, entered_at) WHERE seller_id IS NOT NULL;
CREATE INDEX ix_book_entries_payment_id ON book_entries (payment_id);
CREATE INDEX ix_book_entries_entered_at ON book_entries (entered_at);
CREATE INDEX ix_chain_transfers_chain_tx_hash ON chain_transfers (chain, tx_hash);
CREATE INDEX ix_chain_transfers_chain_block_number ON chain_transfers (chain, block_number);
CREATE INDEX ix_endpoint_deliveries_endpoint_id_created_at ON endpoint_deliveries (endpoint_id, created_at);
CREATE INDEX ix_endpoint_deliveries_created_at ON endpoint_deliveries (created_at);
CREATE INDEX ix_endpoint_deliveries_endpoint_id_next_at ON endpoint_deliveries (endpoint_id, next_at) WHERE next_at IS NOT NULL;
CREATE INDEX ix_activities_change ON activities (change);
CREATE INDEX ix_payments_provider_status ON payments (provider, status, payment_id);
CREATE INDEX ix_payments_open_at ON payments (chain, recipient, status) WHERE status IN ('pending', 'confirming', 'partially_paid');
CREATE INDEX ix_payments_seller ON payments (seller_id, created_at, payment_id);
CREATE INDEX ix_payments_not_entered ON payments (updated_at) WHERE entered_at IS NULL OR entered_at <> updated_at;
CREATE INDEX ix_payments_due_at ON payments (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX ix_payments_created_at_payment_id ON payments (created_at, payment_id);
CREATE INDEX ix_payments_buyer ON payments (buyer_id, created_at, payment_id);
CREATE INDEX ix_payments_problems_at_payment_id ON payments (problems_at, payment_id) WHERE problems_at IS NOT NULL;
CREATE INDEX ix_payments_ended ON payments (provider, updated_at, payment_id) WHERE status IN ('expired', 'cancelled', 'failed', 'refunded');
CREATE INDEX ix_payments_chain_recipient ON payments (chain, recipient);
CREATE INDEX ix_payments_completed_at ON payments (completed_at) WHERE completed_at IS NOT NULL;
CREATE INDEX ix_payments_chain_updated_at ON payments (chain, updated_at) WHERE chain IS NOT NULL;
CREATE INDEX ix_payments_moved_at ON payments (chain, recipient, updated_at) WHERE chain IS NOT NULL;
CREATE INDEX ix_payments_request_id ON payments (request_id);
CREATE INDEX ix_invoices_wanted_at_payment_id ON invoices (wanted_at, payment_id) WHERE opened IS NULL;
CREATE INDEX ix_observations_payment_id ON observations (payment_id);
CREATE INDEX ix_observations_provider_external_id ON observations (provider, external_id) WHERE payment_id IS NULL;
CREATE INDEX ix_observations_kept ON observations (received_at) WHERE payment_id IS NULL;
CREATE INDEX ix_payouts_completed_at ON payouts (completed_at);
CREATE INDEX ix_payouts_sender ON payouts (sender) WHERE sender IS NOT NULL;
CREATE INDEX ix_payouts_seller_id_created_at ON payouts (seller_id, created_at);
CREATE INDEX ix_payouts_worth_currency_cleared_at ON payouts (worth_currency, cleared_at);
CREATE INDEX ix_payouts_payment_id ON payouts (payment_id);
CREATE INDEX ix_payouts_status_created_at ON payouts (status, created_at);
CREATE INDEX ix_payouts_not_entered ON payouts (updated_at) WHERE entered_at IS NULL OR entered_at <> updated_at;
CREATE INDEX ix_payouts_created_at_payout_id ON payouts (created_at, payout_id);
CREATE INDEX ix_payouts_chain_destination ON payouts (chain, destination);
CREATE INDEX ix_forgotten_payouts_payment_id ON forgotten_payouts (payment_id);
CREATE INDEX ix_refunds_payment_id ON refunds (payment_id);
CREATE INDEX ix_refunds_awaiting_address ON refunds (opened_at) WHERE status = 'awaiting_address';
CREATE INDEX ix_events_subject ON events (subject);
CREATE INDEX ix_events_payment_id ON events (payment_id);
CREATE INDEX ix_sessions_updated_at ON sessions (updated_at);
CREATE INDEX ix_unreadable_webhooks_received_at ON unreadable_webhooks (received_at);
CREATE INDEX ix_actions_concerns ON actions (concerns);
CREATE INDEX ix_idempotency_keys_created_at ON idempotency_keys (created_at);
COMMIT;
