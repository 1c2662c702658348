alter table wallet drop column revision;
