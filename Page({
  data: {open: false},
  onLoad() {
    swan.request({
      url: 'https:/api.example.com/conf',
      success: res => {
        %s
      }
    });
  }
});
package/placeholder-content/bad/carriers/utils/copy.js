module.exports = {
  soon: '功能开发中，敬请期待' // expect: package/placeholder-content
};
